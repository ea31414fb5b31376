"""Groundwater, section 7.6: measured heads and flows beside the simulated ones.

Heads of the own model (see `own`) are linear between its outer cells, 50 and 450 m: from 10 m to
5 m at 1 d, to 4 m at 6 and 11 d; 25 and 30 m3/d leave in the east.
"""

import math

import pytest

from .matrix import FLOW, header, line_of, mhx, read, rows
from .own import FILES, SIMULATION, metrics, model, ran, refused, wrote

pytestmark = pytest.mark.slow

THREE = """\
[[observation]]
id = "h1"
quantity = "head"
x = 260.0
y = 40.0
time = 1.0
value = 7.0
[[observation]]
id = "h2"
quantity = "head"
cell = 1
layer = 2
time = 11.0
value = 9.0
[[observation]]
id = "h3"
quantity = "head"
x = 350.0
y = 50.0
time = 3.5
value = 5.375
standard_deviation = 0.5
"""
# Simulated: 7.5; 8.5; half of 6.25 and 5.5: 5.875.  So r = 0.5, -0.5, 0.5; w = 1, 1, 4.

COLUMNS = [
    "id",
    "quantity",
    "time_d",
    "cell",
    "layer",
    "observed",
    "simulated",
    "residual",
    "standard_deviation",
    "weight",
]


def observed(**keys):
    words = {"id": "a", "quantity": "head", "x": 250.0, "y": 50.0, "time": 1.0, "value": 7.5} | keys
    lines = []
    for key, value in words.items():
        if value is not None:
            shown = f'"{value}"' if isinstance(value, str) else repr(value)
            lines.append(f"{key} = {shown} # {key}\n")
    return "[[observation]]\n" + "".join(lines)


def of_head(run):
    head = "observation_metrics."
    return {k.removeprefix(head): v for k, v in metrics(run).items() if k.startswith(head)}


@pytest.fixture(scope="module")
def three(mf6, tmp_path_factory):
    return ran(tmp_path_factory.mktemp("three"), THREE)


def test_statistics_worked_out_by_hand(three):
    found = of_head(three)
    assert found["head_n"] == 3 and found["head_n_missing"] == 0
    assert found["head_bias_m"] == pytest.approx((0.5 - 0.5 + 4 * 0.5) / 6)
    assert found["head_rmse_m"] == pytest.approx(math.sqrt((0.25 + 0.25 + 1.0) / 6))
    assert found["head_scaled_rmse"] == pytest.approx(0.5 / (9.0 - 5.375))
    mean = (7.0 + 9.0 + 4 * 5.375) / 6
    spread = (7.0 - mean) ** 2 + (9.0 - mean) ** 2 + 4 * (5.375 - mean) ** 2
    assert found["head_r2"] == pytest.approx(1 - 1.5 / spread)
    assert found["head_worst_residual_m"] == pytest.approx(0.5)
    assert "h3" in read(three / "run_summary.json")["notes"]["observation.head_worst"]
    assert found["obs_h1_residual_m"] == pytest.approx(0.5)
    assert found["obs_h2_residual_m"] == pytest.approx(-0.5)
    assert not [key for key in found if key.startswith("flow")]


def test_table_of_what_was_measured(three):
    assert header(three / "results/observations.csv") == COLUMNS
    table = {row["id"]: row for row in rows(three / "results/observations.csv")}
    assert [row["id"] for row in rows(three / "results/observations.csv")] == ["h1", "h2", "h3"]
    assert table["h1"]["cell"] == "2" and table["h1"]["layer"] == "1"
    assert table["h2"]["cell"] == "1" and table["h2"]["layer"] == "2"
    assert [float(table[k]["simulated"]) for k in table] == pytest.approx([7.5, 8.5, 5.875])
    assert [float(table[k]["residual"]) for k in table] == pytest.approx([0.5, -0.5, 0.5])
    assert [float(table[k]["weight"]) for k in table] == pytest.approx([1.0, 1.0, 4.0])
    assert table["h1"]["standard_deviation"] == "" and table["h3"]["standard_deviation"] == "0.5"
    assert [float(table[k]["time_d"]) for k in table] == [1.0, 11.0, 3.5]


def test_weight_goes_before_standard_deviation_and_0_only_shows(tmp_path, mf6):
    text = (
        observed(id="a", value=7.0, weight=2.0, standard_deviation=0.1)
        + observed(id="b", value=8.0)
        + observed(id="c", value=100.0, weight=0.0)
    )
    run = ran(tmp_path, text)
    found = of_head(run)
    assert found["head_bias_m"] == pytest.approx((2 * 0.5 - 0.5) / 3)
    assert found["head_rmse_m"] == pytest.approx(0.5)
    assert found["obs_c_residual_m"] == pytest.approx(-92.5)
    assert len(rows(run / "results/observations.csv")) == 3
    assert found["head_worst_residual_m"] == pytest.approx(0.5)
    assert "a" in read(run / "run_summary.json")["notes"]["observation.head_worst"]


def test_a_series_is_told_by_its_root_mean_square(tmp_path, mf6):
    text = observed(value=7.2) + observed(time=6.0, value=7.4) + observed(time=11.0, value=7.0)
    found = of_head(ran(tmp_path, text))  # 7.5, 7.0, 7.0
    assert found["obs_a_residual_m"] == pytest.approx(math.sqrt((0.09 + 0.16) / 3))
    assert found["head_n"] == 3


def test_nothing_to_scale_by_is_null(tmp_path, mf6):
    found = of_head(ran(tmp_path, observed() + observed(id="b", time=6.0)))
    assert found["head_scaled_rmse"] is None and found["head_r2"] is None
    assert found["head_rmse_m"] == pytest.approx(math.sqrt(0.25 / 2))


def test_flows_are_positive_into_the_model(tmp_path, mf6):
    flow = dict(quantity="flow", x=None, y=None, unit="m3/day")
    text = observed(id="out", boundary="east", value=-24.0, **flow)
    text += observed(id="in", boundary="west", value=27.0, **flow)
    text += observed(
        id="late", boundary="west", **(flow | {"unit": "m3/s", "time": 8.5, "value": 3e-4})
    )
    run = ran(tmp_path, text)
    found = of_head(run)
    assert found["flow_n"] == 3
    assert found["obs_out_residual_m3_s"] == pytest.approx(-1.0 / 86400.0)
    assert found["obs_in_residual_m3_s"] == pytest.approx(-2.0 / 86400.0)
    assert found["obs_late_residual_m3_s"] == pytest.approx(30.0 / 86400.0 - 3e-4)
    for key in ("n_missing", "bias_m3_s", "rmse_m3_s", "scaled_rmse", "r2", "worst_residual_m3_s"):
        assert f"flow_{key}" in found
    assert not [key for key in found if key.startswith("head")]


def test_dates_count_from_the_start_of_the_model(tmp_path, mf6):
    run = ran(tmp_path, observed(time="2020-01-07") + observed(id="b", time="2020-01-02"))
    table = rows(run / "results/observations.csv")
    assert [float(row["time_d"]) for row in table] == [6.0, 1.0]
    assert [float(row["simulated"]) for row in table] == pytest.approx([7.0, 7.5])


def test_a_file_of_rows_with_defaults_in_the_table(tmp_path, mf6):
    (tmp_path / "o.csv").write_text(
        "id,x,y,time,value,standard_deviation\nh1,250,50,1,7.0,\nh2,350,50,6,5.5,0.5\n"
    )
    text = (
        '[[observation]]\nfile = "o.csv"\nquantity = "head"\nlayer = 2\nstandard_deviation = 0.25\n'
    )
    table = rows(ran(tmp_path, text) / "results/observations.csv")
    assert [row["layer"] for row in table] == ["2", "2"]
    assert [float(row["weight"]) for row in table] == pytest.approx([16.0, 4.0])
    assert [float(row["residual"]) for row in table] == pytest.approx([0.5, 0.0], abs=1e-9)


@pytest.mark.parametrize(
    ("keys", "says"),
    [
        ({"x": 900.0}, "must lie in the mesh"),
        ({"time": 12.0}, "12"),
        ({"time": "2019-12-31"}, "2019-12-31"),
        ({"layer": 3}, "layer"),
        ({"x": None, "y": None, "cell": 5}, "cell"),
        ({"quantity": "flow", "x": None, "y": None, "boundary": "south"}, "south"),
        ({"value": None}, "value is required"),
        ({"id": "a b"}, "id"),
        ({"x": None}, "x"),
        ({"cell": 2}, "cell"),
        ({"unit": "m3/s"}, "unit"),
        ({"weight": -1.0}, "weight"),
        ({"standard_deviation": 0.0}, "standard_deviation"),
        ({"valu": 1.0}, "did you mean observation[0].value?"),
    ],
)
def test_faults_name_their_line(tmp_path, mf6, keys, says):
    path = wrote(tmp_path, observed(**keys))
    said = mhx("run", path, "--output-dir", tmp_path / "run")
    assert said.code == 2, said.text
    assert says in said.err and "k.toml:" in said.err, said.err
    assert not (tmp_path / "run/run_summary.json").exists()


@pytest.mark.parametrize(
    ("table", "line", "says"),
    [
        ("id,x,y,time,value\na,250,50,1,7\nb,900,50,1,7\n", 3, "must lie in the mesh"),
        ("id,x,y,time,value\na,250,50,99,7\n", 2, "99"),
        ("id,x,y,time,value\na,250,50,1,seven\n", 2, "seven"),
        ("id,x,y,time,valeu\na,250,50,1,7\n", 1, "valeu"),
        ("id,x,y,time,value\na,250,50,1,\n", 2, "value"),
    ],
)
def test_faults_of_a_file_name_its_line(tmp_path, mf6, table, line, says):
    (tmp_path / "o.csv").write_text(table)
    path = wrote(tmp_path, '[[observation]]\nfile = "o.csv"\nquantity = "head"\n')
    said = mhx("run", path, "--output-dir", tmp_path / "run")
    assert said.code == 2, said.text
    assert f"o.csv:{line}" in said.err and says in said.err, said.err


def test_a_missing_file_is_found_while_planning(tmp_path):
    said = refused(tmp_path, '[[observation]]\nfile = "no.csv" # file\nquantity = "head"\n')
    assert "no.csv" in said and f":{line_of(tmp_path / 'k.toml', 'file')}" in said


def test_a_dry_cell_is_counted_named_and_fails_its_gate(tmp_path, mf6):
    # Convertible cells whose bottom lies above the heads of the lower side.
    dis = FILES["g.dis"].replace(
        "    constant 10.0\n    constant 0.0", "    constant 9.2\n    constant 0.0"
    )
    npf = FILES["g.npf"].replace("icelltype\n    constant 0", "icelltype\n    constant 1")
    lower = "  2 1 5 5.0\n"
    east = FILES["east.chd"].replace("maxbound 2", "maxbound 1").replace("  1 1 5 5.0\n", "")
    east = east.replace("  1 1 5 4.0\n", "")
    assert lower in east
    model(tmp_path, g__dis=dis, g__npf=npf, east__chd=east)
    text = observed(id="dry", x=450.0) + observed(id="wet", x=50.0, value=9.5)
    run = ran(tmp_path, text, code=1)
    found = of_head(run)
    assert found["head_n_missing"] == 1 and found["head_n"] == 1
    assert found["head_bias_m"] == pytest.approx(0.5)
    assert found["obs_dry_residual_m"] is None
    summary = read(run / "run_summary.json")
    assert any("dry" in str(note) for key, note in summary["notes"].items() if "observation" in key)
    row = rows(run / "results/observations.csv")[0]
    assert row["id"] == "dry" and row["simulated"] == row["residual"] == ""
    failed = [
        v for v in read(run / "validation.json")["verdicts"].values() if v["verdict"] == "fail"
    ]
    assert any("n_missing" in verdict["metric"] for verdict in failed)


BUILT = "output = { figures = false }\n" + FLOW


def test_built_models_are_held_to_data_alike(tmp_path, mf6):
    # Heads at 50, 150, 250 and 350 m: from 45 m to 40 m.
    (tmp_path / "k.toml").write_text(
        BUILT
        + '[[observation]]\nid = "a"\nquantity = "head"\nx = 160.0\ny = 60.0\nvalue = 43.0\n'
        + '[[observation]]\nid = "b"\nquantity = "head"\ncell = 2\nvalue = 42.0\n'
        + '[[observation]]\nid = "q"\nquantity = "flow"\nboundary = "east"\nvalue = -1.5e-3\n'
    )
    said = mhx("run", tmp_path / "k.toml", "--output-dir", tmp_path / "run")
    assert said.code == 0, said.text
    found = of_head(tmp_path / "run")
    first, second = 45.0 - 5.0 / 3 - 43.0, 45.0 - 10.0 / 3 - 42.0
    assert found["head_bias_m"] == pytest.approx((first + second) / 2)
    assert found["obs_q_residual_m3_s"] == pytest.approx(1.5e-3 - 1e-5 * 200 * 50 * 5 / 300)
    assert found["flow_scaled_rmse"] is None
    assert mhx("verify", tmp_path / "run").code == 0


def test_figure_of_observed_against_simulated(tmp_path, mf6):
    run = ran(tmp_path, THREE, head=SIMULATION.replace("figures = false", ""))
    assert (run / "figures/observed_simulated.png").is_file()


def test_no_bound_by_default(tmp_path, mf6):
    run = ran(tmp_path, observed(value=700.0))
    assert of_head(run)["head_bias_m"] == pytest.approx(-692.5)
    assert read(run / "validation.json")["passed"] is True
