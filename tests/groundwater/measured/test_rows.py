"""Measured values as tables and files hold them: what is read, every fault at its key or line."""

import pytest

from mhx.config import parse
from mhx.groundwater.measured.config import Observation
from mhx.groundwater.measured.rows import Faults, Scope, days_of, objections, rows_of

HEAD = {"id": "b1", "quantity": "head", "x": 1.0, "y": 2.0, "value": 3.0}
FLOW = {"id": "f1", "quantity": "flow", "boundary": "west", "value": 3.0}


def read(*tables):
    """Rows of tables, and the faults as a message tells them."""
    faults = Faults()
    rows = rows_of([parse(Observation, table) for table in tables], faults)
    return rows, [(".".join(map(str, told.place)), told.text) for told in faults.told()]


@pytest.fixture
def file(tmp_path):
    def write(text):
        path = tmp_path / "heads.csv"
        path.write_text(text)
        return str(path)

    return write


def test_a_table_is_one_row_in_si():
    rows, faults = read(HEAD, FLOW | {"unit": "m3/day", "value": -86.4, "standard_deviation": 8.64})
    assert faults == []
    head, flow = rows
    assert (head.value, head.weight, head.layer, head.time) == (3.0, 1.0, 1, None)
    assert flow.value == pytest.approx(-1e-3, rel=1e-15)
    assert flow.standard_deviation == pytest.approx(1e-4, rel=1e-15)
    assert flow.weight == pytest.approx(1e8, rel=1e-14)


def test_a_weight_goes_before_a_standard_deviation():
    rows, _ = read(HEAD | {"weight": 0.25, "standard_deviation": 0.1})
    assert (rows[0].weight, rows[0].standard_deviation) == (0.25, 0.1)


def test_the_table_of_a_file_says_what_its_rows_leave_out(file):
    path = file(
        "\ufeffid, x, y, value, time, layer, weight\n"
        "b1, 1, 2, 3.5, 10, 2, \n"
        "\n"
        'b1,1,2,3.25,2020-01-03,2,0\n"b-2",5,6,7,,,\n'
    )
    rows, faults = read({"file": path, "quantity": "head", "time": 20.0, "layer": 1})
    assert faults == []
    found = [(row.id, row.value, row.time, row.layer, row.weight, row.line) for row in rows]
    assert found == [
        ("b1", 3.5, 10.0, 2, 1.0, 2),
        ("b1", 3.25, "2020-01-03", 2, 0.0, 4),
        ("b-2", 7.0, 20.0, 1, 1.0, 5),
    ]


INCOMPLETE = {
    "no id": ({"id": None}, "id", "is required"),
    "no quantity": ({"quantity": None}, "quantity", "is required"),
    "no value": ({"value": None}, "value", "is required"),
    "no place": ({"x": None, "y": None}, "x", "is required with quantity = 'head', or cell [m]"),
    "half a place": ({"y": None}, "y", "is required with quantity = 'head', or cell [m]"),
    "two places": ({"cell": 3}, "x", "must be left out: cell is given, too"),
    "a boundary": ({"boundary": "w"}, "boundary", "must be left out with quantity = 'head'"),
    "a foreign unit": (
        *({"unit": "m3/s"}, "unit"),
        "must be m with quantity = 'head', got 'm3/s'",
    ),
}


@pytest.mark.parametrize(("change", "key", "text"), INCOMPLETE.values(), ids=INCOMPLETE)
def test_a_table_that_is_not_whole_is_refused_at_its_key(change, key, text):
    table = {k: v for k, v in (HEAD | change).items() if v is not None}
    rows, faults = read(table)
    assert faults == [(f"observation.0.{key}", text)]
    assert rows == []


def test_a_flow_needs_a_boundary_and_no_point():
    _, faults = read({k: v for k, v in FLOW.items() if k != "boundary"}, FLOW | {"x": 1.0})
    assert faults == [
        ("observation.0.boundary", "is required with quantity = 'flow'"),
        ("observation.1.x", "must be left out with quantity = 'flow'"),
    ]


OF_FILES = {
    "an unknown column": (
        "id,x,y,vlaue\nb1,1,2,3\n",
        ": heads.csv:1  'vlaue' is not a known column; did you mean value?",
    ),
    "a column twice": ("id,x,x\nb1,1,2\n", ": heads.csv:1  the column x stands twice"),
    "no number": (
        "id,x,y,value\nb1,1,2,3\nb2,1,2,dry\n",
        ": heads.csv:3  value must be a number, got 'dry'",
    ),
    "no whole number": (
        "id,cell,value\nb1,1.5,3\n",
        ": heads.csv:2  cell must be a number, got '1.5'",
    ),
    "no finite number": ("id,cell,value\nb1,1,nan\n", ": heads.csv:2  value must be finite: "),
    "below its bound": (
        "id,cell,value,weight\nb1,1,2,-1\n",
        ": heads.csv:2  weight must be >= 0.0, got -1.0",
    ),
    "no date": (
        "id,cell,value,time\nb1,1,2,yesterday\n",
        ": heads.csv:2  time must be a date, as 2026-01-31, got 'yesterday'",
    ),
    "a value too few": ("id,cell,value\nb1,1\n", ": heads.csv:2  has 2 values, the header 3"),
    "a blank that is needed": ("id,cell,value\nb1,1,\n", ": heads.csv:2  value is required"),
    "no id": ("cell,value\n1,2\n", ": heads.csv:2  id is required"),
    "an id that is none": (
        "id,cell,value\nb 1,1,2\n",
        ": heads.csv:2  id must be letters, digits, _ or -, got 'b 1'",
    ),
    "no rows": ("id,cell,value\n", ": heads.csv holds no rows below a header"),
    "nothing": ("", ": heads.csv holds no rows below a header"),
    "one id at two places": (
        "id,cell,value\nb1,1,2\nb1,2,2\n",
        ": heads.csv:3  id 'b1' is used for another place already",
    ),
    "many faults": (
        "id,cell,value\n" + "b1,1,x\n" * 8,
        "; heads.csv:6  value must be a number, got 'x'; and 3 more",
    ),
}


@pytest.mark.parametrize(("text", "told"), OF_FILES.values(), ids=OF_FILES)
def test_a_fault_in_a_file_is_told_with_its_line(text, told, file):
    rows, faults = read({"file": file(text), "quantity": "head"})
    ((key, said),) = faults
    assert key == "observation.0.file"
    assert said.endswith(told) if told.startswith(";") else said.startswith(told)
    assert len(rows) <= 2


def test_a_file_that_is_no_text_is_refused(tmp_path):
    path = tmp_path / "heads.csv"
    path.write_bytes(b"id,value\n\xff,1\n")
    _, faults = read({"file": str(path), "quantity": "head"})
    assert faults == [("observation.0.file", ": heads.csv cannot be read: not UTF-8 text")]


RUN = Scope(
    boundaries=("west", "east"), layers=2, end_d=10.0, start="2020-01-01", box=(0.0, 5.0, 0.0, 5.0)
)
OUTSIDE = {
    "a boundary": (
        FLOW | {"boundary": "wst", "time": 1.0},
        "boundary",
        "must be a boundary or source (west, east), got 'wst'; did you mean 'west'?",
    ),
    "a layer": (HEAD | {"layer": 3, "time": 1.0}, "layer", "must be <= 2 layers, got 3"),
    "a point": (HEAD | {"x": 6.0, "time": 1.0}, "x", "and y must lie in the mesh, got 6.0, 2.0"),
    "a time after it": (HEAD | {"time": 11.0}, "time", "must lie in the run, 0 to 10 d, got 11"),
    "a time before it": (HEAD | {"time": -1.0}, "time", "must lie in the run, 0 to 10 d, got -1"),
    "a date after it": (
        HEAD | {"time": "2020-01-12"},
        "time",
        "must lie in the run, 0 to 10 d, got 2020-01-12 is 11 d",
    ),
    "no time": (HEAD, "time", "is required: the flow is transient [d]"),
    "a zone of time": (
        HEAD | {"time": "2020-01-02T00:00:00+00:00"},
        "time",
        "must be told as flow.time.start is, 2020-01-01; got 2020-01-02T00:00:00+00:00",
    ),
}


@pytest.mark.parametrize(("table", "key", "text"), OUTSIDE.values(), ids=OUTSIDE)
def test_what_the_run_has_not_is_an_objection(table, key, text):
    (row,), _ = read(table)
    assert list(objections(row, RUN)) == [(key, text)]


def test_a_cell_that_the_mesh_has_not_is_an_objection():
    (row,), _ = read({"id": "b", "quantity": "head", "cell": 12, "value": 1.0})
    scope = Scope(boundaries=(), n_cells=12, steady=True)
    assert list(objections(row, scope)) == [("cell", "must be a cell, 0 to 11, got 12")]


def test_a_date_needs_a_start():
    (row,), _ = read(HEAD | {"time": "2020-01-02"})
    text = "must be a number of days, flow.time.start is not set; got 2020-01-02"
    assert list(objections(row, Scope(boundaries=()))) == [("time", text)]


def test_a_date_is_days_since_the_start():
    (row,), _ = read(HEAD | {"time": "2020-03-01T12:00:00"})
    assert days_of(row, RUN) == 60.5  # of a leap year


@pytest.mark.parametrize("time", [0.0, 10.0, 10.0 * (1 + 1e-12)])
def test_both_ends_lie_in_the_run(time):
    (row,), _ = read(HEAD | {"time": time})
    assert list(objections(row, RUN)) == []
