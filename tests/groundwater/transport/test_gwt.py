"""Transport by MODFLOW 6 against exact solutions, laws of the discrete equations, and refusals."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mhx.errors import ConfigError

from .columns import POROSITY, VELOCITY, budget, column, mass, ogata_banks, profile, solved

CLOSE = 1e-8
"""Of the largest concentration: the solver's own tolerance [1]."""


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["upstream", "central", "tvd"])
def test_a_held_inlet_gives_the_front_of_ogata_and_banks(
    scheme: str, mf6: Path, tmp_path: Path
) -> None:
    """Of first order in time, so that halving steps and cells together halves the error.

    Upstream spreads by v dx / 2 more, which is the solution of another medium.
    """
    found = []
    for cells in (100, 200):
        size = 200.0 / cells
        made = column(
            cells=cells,
            size=size,
            param={"porosity": POROSITY, "alpha_l": 2.5},
            time={"length": 150.0, "steps": 3 * cells},
            scheme={"advection": scheme},
        )
        run = solved(made, tmp_path / str(cells), mf6)
        x = np.arange(cells) * size
        exact = ogata_banks(x, 150.0, VELOCITY, 2.5 * VELOCITY)
        found.append(np.abs(profile(run) - exact).max())
        wider = ogata_banks(x, 150.0, VELOCITY, (2.5 + size / 2) * VELOCITY)
        nearer = bool(np.abs(profile(run) - wider).max() < 0.5 * found[-1])
        assert nearer is (scheme == "upstream")
        assert run.result.converged.all()
    assert found[1] < 0.03 and 1.7 < found[0] / found[1] < 4


@pytest.mark.slow
def test_decay_and_sorption_are_those_of_the_exact_solution(mf6: Path, tmp_path: Path) -> None:
    made = column(
        cells=100,
        size=1.0,
        param={
            "porosity": POROSITY, "alpha_l": 2.5, "kd": 2.5e-4, "bulk_density": 1500.0,
            "decay": {"value": 0.01, "unit": "1/day"},
        },
        time={"length": 150.0, "steps": 600},
        scheme={"advection": "central"},
    )  # fmt: skip
    run = solved(made, tmp_path / "mf6", mf6)
    retardation = 1 + 1500.0 * 2.5e-4 / POROSITY
    exact = ogata_banks(np.arange(100), 150.0, VELOCITY, 2.5 * VELOCITY, retardation, 0.01)
    assert np.abs(profile(run) - exact).max() < 0.004
    plain = ogata_banks(np.arange(100), 150.0, VELOCITY, 2.5 * VELOCITY)
    assert np.abs(profile(run) - plain).max() > 0.1


@pytest.mark.slow
def test_retardation_is_a_slower_clock(mf6: Path, tmp_path: Path) -> None:
    """Times and steps stretched by R: the discrete equations are the same."""
    plain = column(time={"length": 60.0, "steps": 12})
    slow = column(time={"length": 120.0, "steps": 12})
    slow["transport"]["param"] |= {"kd": POROSITY / 1600.0, "bulk_density": 1600.0}
    one, two = (solved(d, tmp_path / n, mf6) for d, n in ((plain, "1"), (slow, "2")))
    np.testing.assert_allclose(profile(one), profile(two), atol=CLOSE)


def still(**transport: Any) -> dict[str, Any]:
    """No water moves: what happens, happens in the cells."""
    made = column(cells=4, **transport)
    made["flow"]["bc"] = [table | {"head": 5.0} for table in made["flow"]["bc"]]
    made["transport"]["bc"] = []
    return made


@pytest.mark.parametrize("sorbs", [False, True])
def test_first_order_decay_is_implicit_euler(sorbs: bool, mf6: Path, tmp_path: Path) -> None:
    """c (1 + lambda dt)^-n; what is sorbed decays alike, so that sorption changes nothing."""
    param: dict[str, Any] = {"porosity": 0.2, "decay": {"value": 0.02, "unit": "1/day"}}
    if sorbs:
        param |= {"kd": 1e-4, "bulk_density": 1800.0}
    made = still(param=param, time={"length": 50.0, "steps": 10}, ic={"value": 3.0})
    run = solved(made, tmp_path / "mf6", mf6)
    np.testing.assert_allclose(profile(run), 3.0 * (1 + 0.02 * 5) ** -10, rtol=CLOSE)
    assert budget(run, "decay") == pytest.approx(mass(run), rel=1e-9)


@pytest.mark.parametrize(("kd", "retardation"), [(None, 1.0), (0.2 / 1600, 2.0)])
def test_zero_order_decay_takes_as_much_from_every_volume_of_water(
    kd: float | None, retardation: float, mf6: Path, tmp_path: Path
) -> None:
    param: dict[str, Any] = {
        "porosity": 0.2, "decay_order": 0, "decay": {"value": 0.01, "unit": "1/day"},
    }  # fmt: skip
    if kd is not None:
        param |= {"kd": kd, "bulk_density": 1600.0}
    made = still(param=param, time={"length": 50.0, "steps": 10}, ic={"value": 3.0})
    run = solved(made, tmp_path / "mf6", mf6)
    np.testing.assert_allclose(profile(run), 3.0 - 0.01 * 50 / retardation, rtol=CLOSE)


def test_mass_that_is_added_is_there(mf6: Path, tmp_path: Path) -> None:
    made = still(time={"length": 50.0, "steps": 3})
    made["transport"]["bc"] = [
        {"id": "leak", "package": "src", "where": {"cells": [1, 2]}, "value": 1e-6}
    ]
    run = solved(made, tmp_path / "mf6", mf6)
    assert mass(run) == pytest.approx(2 * 1e-6 * 50 * 86400, rel=1e-9)
    assert run.result.about["source_concentration"] == 0


def test_water_brings_in_what_its_boundary_says(mf6: Path, tmp_path: Path) -> None:
    made = column(time={"length": 10.0, "steps": 4})
    made["transport"]["bc"] = []
    made["flow"]["bc"][0]["concentration"] = {"value": 800.0, "unit": "mg/L"}
    made["flow"]["source"] = [
        {"id": "well", "package": "wel", "where": {"cells": [10]}, "rate": 1e-7,
         "concentration": 0.5},
        {"id": "rain", "package": "rcha", "where": {"cells": [5, 6]}, "rate": 1e-9,
         "concentration": 0.25},
        {"id": "clean", "package": "wel", "where": {"cells": [12]}, "rate": 1e-8},
    ]  # fmt: skip
    run = solved(made, tmp_path / "mf6", mf6)
    last = {row.boundary: row for row in run.result.budget if row.saved == 3 and row.boundary}
    water = {row.boundary: row.rate_in for row in run.flow.result.budget if row.boundary}
    assert last["well"].rate_in == pytest.approx(0.5 * 1e-7)
    assert last["rain"].rate_in == pytest.approx(0.25 * 1e-9 * 2 * 25)
    assert last["west"].rate_in == pytest.approx(0.8 * water["west"])
    assert last["clean"].rate_in == 0
    assert run.result.about["zero_inflow"] == ["clean"]
    assert run.result.about["source_concentration"] == 0.8


@pytest.mark.slow
def test_evapotranspiration_leaves_the_solute_where_it_is_told_to(
    mf6: Path, tmp_path: Path
) -> None:
    plants = {"id": "plants", "package": "evt", "where": {"cells": [2]}, "rate": 1e-7,
              "depth": 1000.0, "surface": 10.0}  # fmt: skip
    taken = []
    for carried in ({}, {"concentration": 0.0}):
        made = column(cells=6, time={"length": 10.0, "steps": 4}, ic={"value": 1.0})
        made["flow"]["source"] = [plants | carried]
        run = solved(made, tmp_path / str(len(taken)), mf6)
        taken.append([r.rate_out for r in run.result.budget if r.boundary == "plants"][-1])
    assert taken[0] > 1e-7 and taken[1] == 0


MESHES = {
    "structured": {"kind": "structured", "cell_x": 10.0, "cell_y": 10.0},
    "rectangular_disv": {"kind": "rectangular_disv", "cell_x": 10.0, "cell_y": 10.0},
    "voronoi": {"kind": "voronoi", "size": 10.0},
    "triangles": {"kind": "triangles", "size": 10.0},
}


def spilt(mesh: str, scheme: str, layers: int) -> dict[str, Any]:
    """A spill and a leak into a flow with everything that happens to a solute."""
    made = column(
        cells=10, rows=6, size=10.0, layers=layers,
        param={"porosity": 0.3, "alpha_l": 5.0, "alpha_th": 0.5, "alpha_tv": 0.05,
               "diffusion": 1e-9, "decay": 1e-8, "kd": 1e-4, "bulk_density": 1600.0},
        time={"length": 60.0, "steps": 15},
        scheme={"advection": scheme},
    )  # fmt: skip
    made["mesh"] = MESHES[mesh]
    made["flow"]["formulation"]["xt3d"] = mesh == "triangles"
    made["transport"]["bc"] = [
        {"id": "spill", "package": "cnc", "where": {"points": [[31.0, 31.0]]}, "value": 2.0},
        {"id": "leak", "package": "src", "where": {"points": [[52.0, 12.0]]}, "value": 1e-7,
         "layers": [layers]},
    ]  # fmt: skip
    return made


LOSING = ("triangles", "central")
"""Where MODFLOW 6 itself does not conserve mass: a test of its own says why."""


@pytest.mark.slow
@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize(
    ("mesh", "scheme"),
    [
        (mesh, scheme)
        for mesh in MESHES
        for scheme in ("upstream", "central", "tvd")
        if (mesh, scheme) != LOSING
    ],
)
def test_solute_is_conserved_on_every_grid(
    mesh: str, scheme: str, layers: int, mf6: Path, gmsh: object, tmp_path: Path
) -> None:
    """What boundaries bring less what decays is what is there, by concentrations and volumes."""
    run = solved(spilt(mesh, scheme, layers), tmp_path / "mf6", mf6)
    entered = budget(run, "chd", "cnc", "src")
    assert entered > 1.0 and "central" not in run.notes
    assert mass(run) == pytest.approx(entered + budget(run, "decay"), rel=1e-8)
    assert mass(run) == pytest.approx(-budget(run, "storage", "sorption"), rel=1e-8)
    assert np.abs(run.result.percent).max() < 1e-6 and run.result.converged.all()
    links = run.result.connections
    assert links is not None
    edges = run.flow.model.grid.edges.i.size
    assert links.lateral.sum() == layers * edges and (links.area > 0).all()
    assert np.isfinite(run.result.concentration).all()


@pytest.mark.slow
def test_projected_coordinates_cost_no_mass(mf6: Path, gmsh: object, tmp_path: Path) -> None:
    """MODFLOW's areas of polygons are products of coordinates: those of the map are 1e-6 off."""
    made = spilt("voronoi", "upstream", 1)
    east, north = 4e5, 6.8e6
    made["domain"] |= {"x0": east, "y0": north}
    for table in made["transport"]["bc"]:
        table["where"] = {"points": [[x + east, y + north] for x, y in table["where"]["points"]]}
    run = solved(made, tmp_path / "mf6", mf6)
    entered = budget(run, "chd", "cnc", "src")
    assert mass(run) == pytest.approx(entered + budget(run, "decay"), rel=1e-8)


@pytest.mark.slow
def test_where_modflow_loses_solute_its_budget_and_a_note_say_so(
    mf6: Path, gmsh: object, tmp_path: Path
) -> None:
    """Central weights of triangles are those of the other cell from one side of each face.

    The same on Voronoi cells, whose faces lie halfway, conserves (above).
    """
    run = solved(spilt("triangles", "central", 1), tmp_path / "mf6", mf6)
    assert "central loses or makes solute" in run.notes["central"]
    assert np.abs(run.result.percent).max() > 1.0, "then the note has no reason any more"


@pytest.mark.parametrize("kind", ["structured", "rectangular_disv"])
def test_flow_between_cells_is_that_of_darcy(kind: str, mf6: Path, tmp_path: Path) -> None:
    made = column(cells=6, rows=3, size=10.0, layers=2, time={"length": 10.0, "steps": 2})
    made["mesh"]["kind"] = kind
    links = solved(made, tmp_path / "mf6", mf6).result.connections
    assert links is not None and links.rate.shape == (2, 2 * (3 * 5 + 6 * 2) + 18)
    east = links.lateral & (links.other == links.one + 1)
    through = POROSITY * VELOCITY * 10.0 / 86400  # 1 m thick, 10 m wide
    np.testing.assert_allclose(links.rate[:, east], through, rtol=1e-7)
    np.testing.assert_allclose(links.rate[:, ~east], 0.0, atol=1e-6 * through)
    np.testing.assert_allclose(links.area[:, east], 10.0)
    np.testing.assert_allclose(links.area[:, ~links.lateral], 100.0)
    assert set(links.distance[links.lateral]) == {10.0} and set(links.distance) == {10.0, 1.0}


@pytest.mark.parametrize("newton", [False, True])
def test_a_dry_cell_has_no_concentration(newton: bool, mf6: Path, tmp_path: Path) -> None:
    """The upper of two layers drains before the first step ends; its mass balance still closes."""
    made = column(cells=8, rows=2, layers=2, time={"length": 200.0, "steps": 5})
    made["topography"]["base_elevation"] = made["layers"]["thickness"] = 10.0
    made["flow"] |= {
        "formulation": {"newton": newton, "xt3d": False},
        "ic": {"kind": "constant", "value": 9.0},
    }
    for table, head in zip(made["flow"]["bc"], (4.0, 2.0), strict=True):
        table |= {"head": head, "layers": [2]}
    made["transport"]["bc"][0]["layers"] = [2]
    made["transport"]["observation"] = [
        {"id": "above", "x": 12.0, "y": 7.0},
        {"id": "below", "x": 12.0, "y": 7.0, "layer": 2},
    ]
    run = solved(made, tmp_path / "mf6", mf6)
    upper, lower = run.result.concentration[-1]
    assert np.isnan(upper[4:8]).all() and np.isfinite(lower).all()
    assert run.result.observed["below"][-1] > 0.01
    assert not run.result.observed["above"][-1] > 1e-6
    assert mass(run) == pytest.approx(budget(run, "chd", "cnc"), rel=1e-8)


def test_two_held_concentrations_in_a_cell_are_refused(mf6: Path, tmp_path: Path) -> None:
    made = column()
    made["transport"]["bc"].append(
        {"id": "again", "package": "cnc", "where": {"cells": [0]}, "value": 2.0}
    )
    told = r"transport\.bc\[1\]\.where: cell 0 in layer 1 is fixed by 'inlet', too; a cell has one"
    with pytest.raises(ConfigError, match=told):
        solved(made, tmp_path / "mf6", mf6)


@pytest.mark.slow
def test_layers_that_are_alike_are_each_the_column_alone(mf6: Path, tmp_path: Path) -> None:
    param = {"porosity": POROSITY, "alpha_l": 2.5, "alpha_th": 0.3, "alpha_tv": 0.1}
    time = {"length": 60.0, "steps": 12}
    one, two = (
        solved(column(layers=n, param=param, time=time), tmp_path / str(n), mf6).result
        for n in (1, 2)
    )
    for layer in range(2):
        np.testing.assert_allclose(two.concentration[:, layer], one.concentration[:, 0], atol=CLOSE)


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["upstream", "tvd"])
def test_traces_and_brines_are_solved_alike(scheme: str, mf6: Path, tmp_path: Path) -> None:
    """Transport is linear: what is held may be 1 ug/m3 or 1000 kg/m3."""
    shares = []
    for number, held in enumerate((1e3, 1.0, 1e-9)):
        made = column(
            cells=20, rows=10, param={"porosity": POROSITY, "alpha_l": 5.0, "alpha_th": 0.5},
            time={"length": 60.0, "steps": 30}, scheme={"advection": scheme},
            bc=[{"id": "spill", "package": "cnc", "where": {"cells": [103]}, "value": held}],
        )  # fmt: skip
        run = solved(made, tmp_path / str(number), mf6)
        assert mass(run) == pytest.approx(budget(run, "chd", "cnc"), rel=1e-7)
        shares.append(profile(run) / held)
    np.testing.assert_allclose(shares[1], shares[0], atol=CLOSE)
    np.testing.assert_allclose(shares[2], shares[0], atol=CLOSE)


@pytest.mark.slow
def test_a_row_of_cells_with_a_water_table_bears_the_full_dispersion(
    mf6: Path, tmp_path: Path
) -> None:
    """MODFLOW 6.4.1 with XT3D told -0.26 of a source of 1 here; two rows never did."""

    def of(rows: int) -> Any:
        made = column(cells=10, rows=rows, size=10.0, time={"length": 20.0, "steps": 10})
        made["topography"]["base_elevation"] = 20.0
        made["layers"] = {"kind": "constant_bottom", "bottom": 10.0}
        made["flow"]["formulation"]["cell_type"] = "convertible"
        for table, head in zip(made["flow"]["bc"], (19.0, 18.0), strict=True):
            table["head"] = head
        made["flow"]["param"]["K"] = {"value": 8.64, "unit": "m/day"}
        return solved(made, tmp_path / str(rows), mf6)

    one, two = of(1), of(2)
    first, second = (run.result.concentration[-1].reshape(-1, 10) for run in (one, two))
    assert first.min() >= 0 and first.max() <= 1
    assert np.abs(first - second).max() < 1e-4
    assert "in one row" in one.notes["dispersion"]
    assert "dispersion" not in two.notes
