"""Triangles and Voronoi cells from gmsh: laws over random outlines, and the same bytes again."""

import importlib
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mhx.errors import ConfigError, EngineMissing, SolverError
from mhx.groundwater import triangles
from mhx.groundwater.conformity import mesh_metrics
from mhx.groundwater.meshfile import grid_files
from mhx.groundwater.terrain import terrain_of

from .sites import line, meshed, rectangle, site, star

pytestmark = pytest.mark.usefixtures("gmsh")
RIVER = line("river", (0.0, 300.0), (400.0, 420.0), (800.0, 380.0))
KINDS = ("triangles", "voronoi")


def measured(config):
    grid, terrain = meshed(config)
    return grid, mesh_metrics(grid, terrain, config)


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=12)
@given(
    radii=st.lists(st.floats(200, 1000), min_size=3, max_size=9),
    ends=st.tuples(st.floats(0, 6.28), st.floats(0, 6.28)),
)
def test_a_mesh_covers_its_outline_once(kind, radii, ends):
    """Area to 1e-10, V - E + F = 1, clockwise, every inner edge shared by two, no island."""
    # short enough that no end comes so near to the outline that it is put on it
    inner = [0.15 * min(radii) * np.array([np.cos(a), np.sin(a)]) for a in ends]
    river = line("river", (0.0, 0.0), tuple(inner[0] + [1.0, 0.0]), tuple(inner[1] - [0.0, 1.0]))
    domain = {"kind": "polygon", "points": star(radii)}
    grid, found = measured(site(domain, kind=kind, size=150.0, constraint=[river]))
    assert found["area_error_relative"] <= 1e-10
    assert found["symmetric_difference_fraction"] <= 1e-9
    assert found["outline_hausdorff_m"] <= 1e-6
    assert found["euler_characteristic"] == 1
    assert found["edges_not_shared_by_two"] == found["duplicate_vertices"] == 0
    assert found["cells_not_clockwise"] == found["islands"] == 0
    assert (grid.areas > 0).all()
    if kind == "triangles":
        assert found["constraint_river_edge_distance_max_m"] <= 1e-6
        assert found["constraint_river_covered_fraction"] == 1


def test_triangles_carry_a_line_on_edges_and_voronoi_cells_on_centres():
    grid, on_edges = measured(site(kind="triangles", size=75.0, constraint=[RIVER]))
    cells, on_centres = measured(site(kind="voronoi", size=75.0, constraint=[RIVER]))
    assert on_edges["constraint_river_edge_distance_max_m"] < 1e-9
    assert on_edges["constraint_river_centre_distance_max_m"] > 10
    assert on_centres["constraint_river_centre_distance_max_m"] < 1e-9
    assert 10 < on_centres["constraint_river_edge_distance_max_m"] < 75
    assert on_edges["constraint_river_covered_fraction"] == 1
    assert on_centres["constraint_river_covered_fraction"] == 1
    assert grid.n_cells > 1.5 * cells.n_cells


def test_the_two_kinds_as_they_are_known():
    """Voronoi faces are at right angles to their connections, triangles with centroids are not."""
    _, plain = measured(site(kind="triangles", size=75.0, constraint=[RIVER]))
    _, found = measured(site(kind="voronoi", size=75.0, constraint=[RIVER]))
    assert found["orthogonality_max_deg"] < 1e-6
    assert found["orthogonality_fraction_gt_1deg"] == 0
    assert plain["orthogonality_max_deg"] > 10 and plain["orthogonality_mean_deg"] > 1
    assert plain["min_angle_deg"] > 30 and plain["area_ratio_max"] < 3 and plain["aspect_max"] < 3
    assert found["min_angle_deg"] > 60 and found["area_ratio_max"] < 4 and found["aspect_max"] < 3


def test_the_snapping_pitfall():
    """An outline vertex 2 m from the end of a river: an angle below 2 degrees without snapping."""
    points = [[0, 0], [398, 0], [800, 0], [800, 600], [0, 600]]
    river = line("river", (400.0, 0.0), (400.0, 350.0))
    domain = {"kind": "polygon", "points": points}
    mesh = {"kind": "triangles", "size": 75.0, "constraint": [river]}
    _, pitfall = measured(site(domain, **mesh, snap_factor=0.0))
    _, snapped = measured(site(domain, **mesh))
    assert pitfall["min_angle_deg"] < 2 and pitfall["area_ratio_max"] > 6
    assert snapped["min_angle_deg"] > 30 and snapped["area_ratio_max"] < 3
    assert snapped["symmetric_difference_fraction"] < 1e-12


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_bytes_again(kind):
    config = site(kind=kind, size=75.0, constraint=[RIVER | {"size": 40.0, "distance": 200.0}])
    first, second = (grid_files(meshed(config)[0]) for _ in range(2))
    assert first == second


ELSEWHERE = """
import sys
sys.path.insert(0, sys.argv[1])
from tests.groundwater.sites import line, meshed, site
river = line("river", (0.0, 300.0), (800.0, 380.0))
mesh = {"kind": "voronoi", "size": 75.0, "constraint": [river]}
if sys.argv[2] == "busy":
    meshed(site(kind="triangles", size=55.0))
print(meshed(site(**mesh))[0].digest)
"""


@pytest.mark.slow
def test_the_same_bytes_in_another_process(request):
    root = str(request.config.rootpath)
    digests = {
        subprocess.check_output([sys.executable, "-c", ELSEWHERE, root, state], cwd=root, text=True)
        for state in ("fresh", "busy")
    }
    assert len(digests) == 1


def test_another_algorithm_and_no_smoothing_are_other_meshes():
    def digest(**mesh):
        return meshed(site(kind="triangles", size=120.0, **mesh))[0].digest

    assert len({digest(), digest(algorithm="delaunay"), digest(smoothing=0)}) == 3


def test_the_size_grows_from_a_constraint():
    small = RIVER | {"size": 20.0, "distance": 200.0}
    grid, _ = meshed(site(kind="triangles", size=100.0, constraint=[small]))
    middle = np.abs(grid.centres[:, 1] - 380)
    near, far = grid.areas[middle < 20].mean(), grid.areas[middle > 300].mean()
    assert 15 < np.sqrt(near * 4 / np.sqrt(3)) < 30
    assert 70 < np.sqrt(far * 4 / np.sqrt(3)) < 130


def test_a_line_that_is_not_embedded_sets_the_size_only():
    loose = RIVER | {"size": 20.0, "distance": 200.0, "embed": False}
    _, found = measured(site(kind="triangles", size=100.0, constraint=[loose]))
    _, plain = measured(site(kind="triangles", size=100.0))
    assert found["n_cells"] > 3 * plain["n_cells"]
    assert found["constraint_river_edge_distance_max_m"] > 1
    assert found["euler_characteristic"] == 1


def test_bounds_on_the_size_hold():
    small = RIVER | {"size": 20.0, "distance": 200.0}
    _, free = measured(site(kind="triangles", size=100.0, constraint=[small]))
    _, bound = measured(site(kind="triangles", size=100.0, size_min=60.0, constraint=[small]))
    assert bound["n_cells"] < 0.5 * free["n_cells"]


def test_closed_and_crossing_constraints():
    lake = line("lake", (300.0, 200.0), (500.0, 200.0), (500.0, 400.0), (300.0, 400.0), closed=True)
    _, found = measured(site(kind="triangles", size=75.0, constraint=[RIVER, lake]))
    for name in ("river", "lake"):
        assert found[f"constraint_{name}_edge_distance_max_m"] < 1e-6
    assert found["edges_not_shared_by_two"] == 0


def test_projected_coordinates_lose_no_digits():
    far = rectangle(x0=461_737.5, y0=6_863_512.5)
    _, found = measured(site(far, kind="voronoi", size=100.0))
    assert found["area_error_relative"] <= 1e-12 and found["orthogonality_max_deg"] < 1e-3
    assert found["outline_hausdorff_m"] < 1e-6


def test_a_cell_torn_by_a_narrow_outline_is_shared_among_its_neighbours():
    """A slit narrower than the cells, its nodes not opposite each other: cells reach across it."""
    above, below = [[0, 410], [900, 410]], [[900, 400], [420, 390], [0, 400]]
    slit = [[0, 0], [1000, 0], [1000, 800], [0, 800], *above, *below]
    _, found = measured(site({"kind": "polygon", "points": slit}, kind="voronoi", size=100.0))
    assert found["area_error_relative"] <= 1e-10
    assert found["euler_characteristic"] == 1 and found["islands"] == 0
    assert found["edges_not_shared_by_two"] == found["cells_not_clockwise"] == 0
    assert found["orthogonality_max_deg"] > 1  # and it is seen


def test_meshpy_is_not_driven_and_says_so():
    with pytest.raises(ConfigError, match=r"mesh\.algorithm is 'triangle'"):
        meshed(site(kind="triangles", size=100.0, algorithm="triangle"))


class Broken:
    """A gmsh that fails like the real one, with a bare Exception."""

    def __init__(self, gmsh):
        self.real = gmsh
        self.closed = 0

    def __getattr__(self, name):
        return getattr(self.real, name)

    def finalize(self):
        self.closed += 1
        self.real.finalize()


@pytest.mark.parametrize(
    ("failure", "told"), [(Exception("Curve 3 is odd"), SolverError), (KeyError("x"), KeyError)]
)
def test_a_failure_of_gmsh_is_told_and_the_session_is_closed(gmsh, monkeypatch, failure, told):
    broken = Broken(gmsh)

    def generate(*_):
        raise failure

    monkeypatch.setattr(gmsh.model.mesh, "generate", generate)
    monkeypatch.setattr(triangles, "import_gmsh", lambda: broken)
    with pytest.raises(told, match="Curve 3 is odd" if told is SolverError else "x"):
        meshed(site(kind="triangles", size=200.0))
    assert broken.closed == 1 and not gmsh.isInitialized()


@pytest.mark.parametrize(
    ("failure", "told"),
    [
        (
            OSError("libGLU.so.1: cannot open"),
            r"libGLU\.so\.1; install with: .*apt-get install -y libglu1-mesa lib",
        ),
        (ModuleNotFoundError("No module named 'gmsh'"), r"pip install 'mhx\[groundwater\]'"),
    ],
)
def test_a_missing_gmsh_says_what_to_install(monkeypatch, failure, told):
    def refuse(name):
        raise failure

    monkeypatch.setattr(importlib, "import_module", refuse)
    config = site(kind="voronoi", size=200.0)
    with pytest.raises(EngineMissing, match=told):
        triangles.import_gmsh()
    monkeypatch.undo()
    assert terrain_of(config).outline.size


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("mesh", "told"),
    [
        ({"size": 1e-300}, r"mesh\.size = 1e-300 m makes about inf triangles, more than 50000000"),
        ({"size": 0.1}, r"mesh\.size = 0\.1 m makes about 1\.8e\+08 triangles, more than 50000000"),
        (
            {"size": 100.0, "constraint": [RIVER | {"size": 1e-4, "distance": 50.0}]},
            r"mesh\.constraint 'river': size = 0\.0001 m makes about 1\.9e\+07 triangles",
        ),
    ],
)
def test_more_triangles_than_a_computer_holds_are_refused_in_time(kind, mesh, told, monkeypatch):
    monkeypatch.setattr("mhx.groundwater.mesh.MOST_CELLS", 10_000_000)
    with pytest.raises(ConfigError, match=told.replace("50000000", "10000000")):
        meshed(site(kind=kind, **mesh))


def test_the_count_that_is_refused_is_about_the_count_that_is_made(monkeypatch):
    config = site(kind="triangles", size=40.0)
    made = meshed(config)[0].n_cells
    monkeypatch.setattr("mhx.groundwater.mesh.MOST_CELLS", int(0.8 * made))
    with pytest.raises(ConfigError, match="triangles, more than"):
        meshed(config)
    monkeypatch.setattr("mhx.groundwater.mesh.MOST_CELLS", int(1.25 * made))
    meshed(config)


def test_cells_below_the_distance_at_which_vertices_are_one_are_refused():
    told = r"cells are thinner than 1e-06 m.*the outline is 1e-06 m by 1e-06 m: are its coordinates"
    with pytest.raises(ConfigError, match=told):
        meshed(site(rectangle(1e-6, 1e-6), kind="voronoi", size=60.0))
