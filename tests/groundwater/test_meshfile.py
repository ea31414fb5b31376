import numpy as np
import pytest

from mhx.errors import ConfigError, EvidenceError
from mhx.groundwater.meshfile import grid_files, read_grid, write_grid

from .sites import line, meshed, rectangle, site

NODES = "node_id,x,y\n0,0,0\n1,100,0\n2,100,100\n3,0,100\n"
CELLS = "cell_id,n0,n1,n2\n0,0,1,2\n1,0,3,2\n"


def mesh_of(tmp_path, nodes=NODES, cells=CELLS):
    (tmp_path / "nodes.csv").write_text(nodes)
    (tmp_path / "cells.csv").write_text(cells)
    files = {"nodes": str(tmp_path / "nodes.csv"), "cells": str(tmp_path / "cells.csv")}
    return meshed(site(rectangle(100.0, 100.0), kind="file", size=None, **files))[0]


def test_triangles_keep_their_order_and_are_turned_clockwise(tmp_path):
    grid = mesh_of(tmp_path)
    assert [grid.cell(0).tolist(), grid.cell(1).tolist()] == [[0, 2, 1], [0, 3, 2]]
    assert grid.areas.tolist() == [5000, 5000]
    assert grid.centres[1].tolist() == pytest.approx([100 / 3, 200 / 3])


FAULTS = {
    "header of nodes": (NODES.replace("x,y", "y,x"), CELLS, r"nodes.csv:1  the header must be nod"),
    "header of cells": (NODES, CELLS.replace("n0", "a"), r"cells.csv:1  the header must be cell_"),
    "no header": (NODES, "", r"cells.csv:1  the header .* got nothing"),
    "no cells": (NODES, "cell_id,n0,n1,n2\n", "cells.csv holds no row below its header"),
    "unknown node": (NODES, CELLS.replace("1,0,3,2", "1,0,4,2"), r"cells.csv:3  n1 is 4; nodes a"),
    "negative node": (NODES, CELLS.replace("1,0,3,2", "1,0,-1,2"), r"cells.csv:3  n1 is -1; nodes"),
    "one-based": (NODES.replace("\n0,0,0", ""), CELLS, r"nodes.csv:2  node_id must be 0: ids coun"),
    "gap": (NODES, CELLS.replace("1,0,3,2", "2,0,3,2"), r"cells.csv:3  cell_id must be 1: ids cou"),
    "no number": (NODES.replace("100,100", "100,b"), CELLS, r"nodes.csv:4  y must be a number, go"),
    "not whole": (NODES, CELLS.replace("0,1,2", "0,1.5,2"), r"cells.csv:2  n1 must be a whole num"),
    "short row": (NODES, CELLS.replace("0,3,2", "0,3"), r"cells.csv:3  a row must have 4 values, "),
    "degenerate": (NODES, CELLS.replace("0,3,2", "0,3,3"), r"cells.csv:3  .*\[0, 3, 3\] has no ar"),
    "in a line": (
        NODES + "4,50,50\n", CELLS.replace("0,3,2", "0,4,2"), r"cells.csv:3  .* has no area",
    ),
    "overlapping": (
        NODES, CELLS.replace("0,3,2", "0,3,1"), r"cells.csv:3  the triangle overlaps cell 0 \(lin",
    ),
    "listed twice": (NODES, CELLS + "2,2,0,3\n", r"cells.csv:4  the triangle overlaps cell 1 \(li"),
}  # fmt: skip


@pytest.mark.parametrize(("nodes", "cells", "told"), FAULTS.values(), ids=FAULTS)
def test_faults_name_file_and_line(tmp_path, nodes, cells, told):
    with pytest.raises(ConfigError, match=told) as caught:
        mesh_of(tmp_path, nodes, cells)
    assert str(caught.value).startswith(("mesh.nodes: ", "mesh.cells: "))


def test_triangles_that_cross_without_a_corner_inside_overlap(tmp_path):
    nodes = "node_id,x,y\n0,0,40\n1,100,40\n2,50,60\n3,45,0\n4,55,0\n5,50,100\n"
    with pytest.raises(ConfigError, match=r"cells.csv:3  the triangle overlaps cell 0"):
        mesh_of(tmp_path, nodes, "cell_id,n0,n1,n2\n0,0,1,2\n1,3,4,5\n")


def test_faults_are_told_together_and_not_without_end(tmp_path):
    with pytest.raises(ConfigError) as caught:
        mesh_of(tmp_path, cells="cell_id,n0,n1,n2\n0,7,1,2\n1,0,8,9\n")
    assert str(caught.value).count("\n") == 3 and "3 faults" in str(caught.value)
    many = "".join(f"{index},7,8,9\n" for index in range(30))
    with pytest.raises(ConfigError, match=r"90 faults[\s\S]*\.\.\. and 70 more$"):
        mesh_of(tmp_path, cells="cell_id,n0,n1,n2\n" + many)


@pytest.mark.parametrize("kind", ["structured", "rectangular_disv"])
def test_a_grid_reads_back_equal(tmp_path, kind):
    river = line("river", (0.1, 0.2), (1 / 3, 700.0))
    grid, _ = meshed(site(rectangle(700.0, 300.0, x0=1 / 3), kind=kind, constraint=[river]))
    paths = write_grid(grid, tmp_path)
    assert [path.name for path in paths] == ["vertices.csv", "cells.csv", "mesh_summary.json"]
    back = read_grid(tmp_path)
    assert back.digest == grid.digest and back.shape == grid.shape
    for name in ("vertices", "corners", "offsets", "centres", "areas", "outline"):
        assert np.array_equal(getattr(back, name), getattr(grid, name))
    assert back.constraints["river"].tolist() == grid.constraints["river"].tolist()
    assert grid_files(back) == grid_files(grid)


DAMAGE = {
    "moved": ("vertices.csv", "1,100.0,800.0", "1,101.0,800.0", "the mesh is altered"),
    "torn": ("cells.csv", "0,50.0,750.0", "0,50.0", "torn or altered"),
    "no number": ("vertices.csv", "1,100.0", "1,a", "torn or altered"),
    "no kind": ("mesh_summary.json", '"kind"', '"sort"', "torn or altered"),
}


@pytest.mark.parametrize(("name", "old", "new", "told"), DAMAGE.values(), ids=DAMAGE)
def test_an_altered_mesh_is_refused(tmp_path, name, old, new, told):
    write_grid(meshed(site())[0], tmp_path)
    text = (tmp_path / name).read_text()
    assert old in text
    (tmp_path / name).write_text(text.replace(old, new, 1))
    with pytest.raises(EvidenceError, match=told):
        read_grid(tmp_path)


def test_a_mesh_that_is_not_there(tmp_path):
    write_grid(meshed(site())[0], tmp_path)
    (tmp_path / "cells.csv").unlink()
    with pytest.raises(EvidenceError, match="the mesh cannot be read"):
        read_grid(tmp_path)
