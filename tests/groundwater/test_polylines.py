import json

import numpy as np
import pytest

from mhx.errors import ConfigError
from mhx.groundwater.polylines import line_of, outline_of, read_points

POLYGON = {"type": "Polygon", "coordinates": [[[0, 0], [2, 0], [2, 2], [0, 0]]]}
LINE = {"type": "LineString", "coordinates": [[0, 0, 9], [1, 5, 9]]}


def read(tmp_path, name, text):
    (tmp_path / name).write_text(text)
    return read_points(tmp_path / name, "domain.file")


def test_csv_needs_x_and_y_and_may_have_more(tmp_path):
    points = read(tmp_path, "a.csv", "id,x, y\nfirst,1,2\nsecond,3,4.5\n\n")
    assert points.tolist() == [[1, 2], [3, 4.5]]


def test_a_cell_may_be_long(tmp_path):
    points = read(tmp_path, "a.csv", "x,y,told\n1,2," + "a" * 200_000 + "\n3,4,b\n")
    assert points.tolist() == [[1, 2], [3, 4]]


@pytest.mark.parametrize(
    "wrap",
    [
        lambda g: g,
        lambda g: {"type": "Feature", "geometry": g},
        lambda g: {"type": "FeatureCollection", "features": [{"type": "Feature", "geometry": g}]},
    ],
    ids=["geometry", "feature", "collection"],
)
def test_geojson_however_it_is_wrapped(tmp_path, wrap):
    points = read(tmp_path, "a.geojson", json.dumps(wrap(LINE)))
    assert points.tolist() == [[0, 0], [1, 5]]
    assert len(read(tmp_path, "b.json", json.dumps(wrap(POLYGON)))) == 4


HOLED = {**POLYGON, "coordinates": [POLYGON["coordinates"][0]] * 2}
FAULTS = {
    "header": ("a.csv", "a,b\n1,2\n", r"a.csv:1  the header must have the columns x,y, got a,b"),
    "empty": ("a.csv", "", r"a.csv:1  the header must have the columns x,y, got nothing"),
    "word": ("a.csv", "x,y\n1,2\n3,four\n", r"a.csv:3  y must be a number, got 'four'"),
    "infinite": ("a.csv", "x,y\n1,inf\n", r"a.csv:2  y must be finite, got 'inf'"),
    "short row": ("a.csv", "x,y\n1\n", r"a.csv:2  must have 2 values, got 1"),
    "no json": ("a.json", "{\n1}", r"a.json:2  not JSON"),
    "nothing drawn": ("a.json", '{"type": "Point"}', "one LineString or Polygon, got 0"),
    "two drawn": ("a.json", json.dumps({"geometries": [LINE, LINE]}), "or Polygon, got 2"),
    "hole": ("a.json", json.dumps(HOLED), "a polygon with a hole"),
    "words": ("a.json", '{"type": "LineString", "coordinates": [["a", 1]]}', "a list of .x, y"),
    "nested without end": ("a.json", "[" * 100_000, "is no drawing: maximum recursion depth"),
    "digits without end": ("a.json", "[" + "9" * 5000 + "]", "is no drawing: Exceeds the limit"),
    "infinity": (
        "a.json", '{"type": "LineString", "coordinates": [[Infinity, 1]]}', "must be finite",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("name", "text", "told"), FAULTS.values(), ids=FAULTS)
def test_faults_name_the_key_and_the_line(tmp_path, name, text, told):
    with pytest.raises(ConfigError, match=told) as caught:
        read(tmp_path, name, text)
    assert str(caught.value).startswith("domain.file: ")


def test_files_that_cannot_be_read(tmp_path):
    with pytest.raises(ConfigError, match=r"absent\.csv cannot be read: No such file"):
        read_points(tmp_path / "absent.csv", "domain.file")
    (tmp_path / "latin.csv").write_bytes(b"x,y\n\xe9")
    with pytest.raises(ConfigError, match=r"latin.csv is not UTF-8 text \(byte 4\)"):
        read_points(tmp_path / "latin.csv", "domain.file")


def test_an_outline_runs_counter_clockwise_and_is_not_closed(tmp_path):
    points = read(tmp_path, "a.json", json.dumps(POLYGON))
    assert outline_of(points, "k").tolist() == [[0, 0], [2, 0], [2, 2]]
    assert outline_of(points[::-1], "k").tolist() == [[2, 0], [2, 2], [0, 0]]


def test_outlines_and_lines_that_are_none(tmp_path):
    points = read(tmp_path, "a.csv", "x,y\n0,0\n2,2\n2,0\n0,2\n")
    with pytest.raises(ConfigError, match=r"k: .* no simple polygon: Self-intersection at \(1 1\)"):
        outline_of(points, "k")
    with pytest.raises(ConfigError, match="needs at least 3 points, got 2"):
        outline_of(points[:2], "k")
    with pytest.raises(ConfigError, match="a line needs at least 2 different points"):
        line_of(points[[0, 0]], "k")
    with pytest.raises(ConfigError, match="a closed line needs at least 3 different points"):
        line_of(points[[0, 1, 1]], "k", closed=True)


def test_a_closed_line_ends_where_it_begins(tmp_path):
    points = read(tmp_path, "a.csv", "x,y\n0,0\n2,0\n2,2\n")
    assert line_of(points, "k", closed=True).tolist() == [[0, 0], [2, 0], [2, 2], [0, 0]]


def test_a_point_of_an_outline_that_is_given_twice_is_one():
    points = np.array([[0, 0], [4, 0], [4, 0], [4, 2], [0, 2], [0, 2], [0, 0]], float)
    assert outline_of(points, "domain.points").tolist() == [[0, 0], [4, 0], [4, 2], [0, 2]]
    with pytest.raises(ConfigError, match="an outline needs at least 3 points, got 2"):
        outline_of(np.array([[0, 0], [1, 1], [1, 1], [0, 0]], float), "domain.points")
