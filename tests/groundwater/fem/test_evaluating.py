"""Heads between the nodes: shape functions by hand, and the order that centres of cells hide."""

import numpy as np
import pytest

from mhx.errors import EvidenceError
from mhx.groundwater.fem.evaluating import SOLUTION, Solution, heads_at, read_solution

CORNERS = np.array([[100.0, 50.0], [140.0, 50.0], [100.0, 80.0], [140.0, 80.0]])
QUADRATIC = np.array([[0, 1, 2, 4, 5, 6], [3, 1, 2, 7, 5, 8]])
"""Two triangles that share an edge, corners 1 and 2: middles 4..8 of 01, 12, 02, 31, 32."""
PLACES = np.vstack([CORNERS, [CORNERS[[a, b]].mean(0) for a, b in ((0, 1), (1, 2), (0, 2), (3, 1),
                                                                   (3, 2))]])  # fmt: skip
POINTS = np.array([[105.0, 55.0], [120.0, 65.0], [139.0, 79.0], [140.0, 50.0], [130.0, 52.0]])


def plane(at: np.ndarray) -> np.ndarray:
    return np.asarray(3.0 + 0.02 * at[:, 0] - 0.5 * at[:, 1])


def bowl(at: np.ndarray) -> np.ndarray:
    x, y = at.T
    return np.asarray(plane(at) + 0.01 * x**2 - 0.02 * x * y + 0.003 * y**2)


def test_p2_is_a_parabola_in_each_triangle_and_p1_a_plane() -> None:
    two = Solution(triangles=QUADRATIC, places=PLACES, heads=np.stack([bowl(PLACES)]))
    assert heads_at(two, two.heads, POINTS)[0] == pytest.approx(bowl(POINTS), abs=1e-10)
    one = Solution(triangles=QUADRATIC[:, :3], places=CORNERS, heads=plane(CORNERS)[None])
    assert heads_at(one, one.heads, POINTS)[0] == pytest.approx(plane(POINTS), abs=1e-12)


def test_there_is_no_head_outside_and_one_for_every_step() -> None:
    steps = np.stack([plane(CORNERS), 2 * plane(CORNERS)])
    one = Solution(triangles=QUADRATIC[:, :3], places=CORNERS, heads=steps)
    found = heads_at(one, steps, np.array([[99.0, 60.0], [110.0, 60.0]]))
    assert np.isnan(found[:, 0]).all()
    assert found[1, 1] == pytest.approx(2 * found[0, 1])


def test_a_file_of_other_steps_is_refused(tmp_path) -> None:
    path = tmp_path / SOLUTION
    np.savez(path, triangles=QUADRATIC, places_m=PLACES, head_m=bowl(PLACES)[None])
    assert read_solution(path, 1).heads.shape == (1, 9)
    with pytest.raises(EvidenceError, match=r"does not hold the heads of 2 saved steps"):
        read_solution(path, 2)
    with pytest.raises(EvidenceError, match="cannot be read"):
        read_solution(tmp_path / "nothing.npz", 1)


@pytest.mark.slow
@pytest.mark.usefixtures("gmsh")
@pytest.mark.parametrize("kind", ["voronoi", "triangles"])
@pytest.mark.parametrize("engine", ["fem_p1", "fem_p2"])
def test_cells_are_points_of_the_same_function(tmp_path, kind, engine) -> None:
    """At generators and centroids the file says what the run says, at every saved step."""
    pytest.importorskip("skfem")
    from .test_flow import PROBLEMS, document, solved

    run = solved(document(kind=kind, engine=engine, **PROBLEMS["transient"]), tmp_path)
    stored = read_solution(tmp_path / "solver" / SOLUTION, run.result.saved)
    found = heads_at(stored, stored.heads, run.model.grid.centres)
    assert np.abs(found - run.result.heads[:, 0]).max() < 1e-9


@pytest.mark.slow
@pytest.mark.parametrize(("engine", "known"), [("fem_p1", 2), ("fem_p2", 3)])
def test_orders_at_points_that_are_no_centres(tmp_path, engine, known) -> None:
    pytest.importorskip("skfem")
    from .test_flow import chd, confined, document, nested, solved

    points = np.random.default_rng(3).uniform(0, 1000.0, (2000, 2))
    found = []
    for level, mesh in enumerate(nested(tmp_path, 4)):
        data = document(engine=engine, bc=[chd("edge", "top", boundary=True)])
        folder = tmp_path / f"{level}"
        solved(data | {"mesh": mesh}, folder, ground=confined)
        stored = read_solution(folder / "solver" / SOLUTION, 1)
        off = heads_at(stored, stored.heads, points)[0] - confined(*points.T)
        found.append(float(np.sqrt(np.mean(off**2))))
    assert np.log2(found[-2] / found[-1]) == pytest.approx(known, abs=0.1)
