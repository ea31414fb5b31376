"""Transport by MODFLOW 6 against exact solutions, laws of the discrete equations, and refusals."""

import copy
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mhx.errors import ConfigError, EvidenceError, SolverError
from mhx.groundwater.transport import catalog, gwt
from mhx.groundwater.transport import writer as solute

from .columns import POROSITY, VELOCITY, budget, column, mass, ogata_banks, solved

CLOSE = 1e-8
"""Of the largest concentration: the solver's own tolerance [1]."""


def profile(run: Any) -> np.ndarray:
    return np.asarray(run.result.concentration[-1].ravel())


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


def test_the_largest_courant_number_is_the_one_that_was_asked_for(
    mf6: Path, tmp_path: Path
) -> None:
    made = column(cells=10, size=5.0, time={"length": 100.0, "courant": 0.4})
    run = solved(made, tmp_path / "mf6", mf6)
    result = run.result
    courant = result.fields["outflow"] / result.pore_volume * result.length_d[:, None, None] * 86400
    assert courant.max() == pytest.approx(100.0 / 25 * VELOCITY / 5.0)
    assert run.notes["steps"] == "25 time steps" and result.steps_d.size == 25
    made["transport"]["time"] = {"length": 100.0}
    assert solved(made, tmp_path / "default", mf6).result.steps_d.size == 20


def test_a_curve_is_kept_at_every_step_whatever_else_is_saved(mf6: Path, tmp_path: Path) -> None:
    made = column(cells=12, rows=3, time={"length": 100.0, "steps": 8})
    made["mesh"]["constraint"] = [{"id": "row", "points": [[20.0, 5.0], [29.0, 5.0]]}]
    made["transport"]["observation"] = [
        {"id": "point", "x": 22.0, "y": 7.0}, {"id": "line", "line": "row"}
    ]  # fmt: skip
    last = copy.deepcopy(made)
    last["solver"]["mf6"]["save"] = "last"
    runs = [solved(d, tmp_path / str(i), mf6) for i, d in enumerate((made, last))]
    every, only = (run.result for run in runs)
    assert every.concentration.shape == (8, 1, 36) and only.concentration.shape == (1, 1, 36)
    rows = every.concentration[:, 0]
    np.testing.assert_allclose(every.observed["point"], rows[:, 16], rtol=1e-12)
    np.testing.assert_allclose(
        every.observed["line"], (5 * rows[:, 16] + 4 * rows[:, 17]) / 9, rtol=1e-9
    )
    for name in every.observed:
        np.testing.assert_array_equal(every.observed[name], only.observed[name])
    assert only.time_d.tolist() == [100.0] and only.length_d.tolist() == [100.0]
    for component in ("chd", "cnc", "storage"):
        one, two = (budget(run, component) for run in runs)
        assert one == pytest.approx(two, rel=1e-12)


def transient(**time: Any) -> dict[str, Any]:
    """Fixed heads that fall from one stress period to the next."""
    made = column(cells=10, time=time)
    flow = made["flow"]
    flow |= {"regime": "transient", "ic": {"kind": "constant", "value": 20.0}}
    flow["param"] |= {"Ss": {"value": 1e-5}}
    flow["time"] = {"period": [{"length": 20.0}, {"length": 30.0, "steps": 3, "multiplier": 1.5}]}
    return made


@pytest.mark.slow
def test_with_transient_flow_the_steps_of_its_periods_are_split(mf6: Path, tmp_path: Path) -> None:
    run = solved(transient(courant=0.25), tmp_path / "mf6", mf6)
    result = run.result
    periods = run.flow.model.periods
    assert [p.length for p in periods] == [20.0, 30.0] and periods[1].steps % 3 == 0
    lengths = 1.5 ** np.arange(3)
    for end in (20.0, *(20.0 + 30.0 * np.cumsum(lengths) / lengths.sum())):
        assert np.abs(result.steps_d - end).min() < 1e-9, "a step of flow ended here before"
    courant = result.fields["outflow"] / result.pore_volume * result.length_d[:, None, None] * 86400
    assert 0.15 < courant.max() < 0.3
    assert run.flow.result.saved == result.steps_d.size
    coarse = solved(transient(courant=1e9), tmp_path / "coarse", mf6)
    assert coarse.result.steps_d.size == 4


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


def test_a_step_of_transport_that_does_not_converge_is_told_with_its_line(
    mf6: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dataclasses import replace

    ims = solute.ims_of
    monkeypatch.setattr(
        solute, "ims_of", lambda model: replace(ims(model), outer_maximum=1, inner_maximum=1)
    )
    told = (
        r"MODFLOW 6 did not converge in stress period 1, time step 1 \(1 outer iterations\); "
        r"see mf6/mfsim.lst line \d+"
    )
    with pytest.raises(SolverError, match=told):
        solved(column(), tmp_path / "mf6", mf6)


def test_two_held_concentrations_in_a_cell_are_refused(mf6: Path, tmp_path: Path) -> None:
    made = column()
    made["transport"]["bc"].append(
        {"id": "again", "package": "cnc", "where": {"cells": [0]}, "value": 2.0}
    )
    told = r"transport\.bc\[1\]\.where: cell 0 in layer 1 is fixed by 'inlet', too; a cell has one"
    with pytest.raises(ConfigError, match=told):
        solved(made, tmp_path / "mf6", mf6)


def test_more_steps_than_can_be_numbered_are_refused(mf6: Path, tmp_path: Path) -> None:
    made = column(time={"length": 1e4, "unit": "year", "courant": 0.1})
    with pytest.raises(ConfigError, match=r"transport\.time\.courant = 0\.1 needs \d+ time steps"):
        solved(made, tmp_path / "mf6", mf6)


@pytest.mark.slow
def test_the_same_case_is_the_same_bytes_in_days_and_seconds_the_same_solution(
    mf6: Path, tmp_path: Path
) -> None:
    made = column(time={"length": 100.0, "steps": 10})
    seconds = copy.deepcopy(made)
    seconds["solver"]["mf6"]["time_unit"] = "seconds"
    runs = [solved(d, tmp_path / n, mf6) for d, n in ((made, "1"), (made, "2"), (seconds, "3"))]
    for name in runs[0].flow.inputs:
        assert (tmp_path / "1" / name).read_bytes() == (tmp_path / "2" / name).read_bytes()
    np.testing.assert_allclose(profile(runs[0]), profile(runs[2]), atol=1e-6)
    one, two = (
        [(row.component, row.rate_in) for row in run.result.budget] for run in (runs[0], runs[2])
    )
    for (name, mine), (other, theirs) in zip(one, two, strict=True):
        assert name == other and mine == pytest.approx(theirs, rel=1e-4, abs=1e-15)


def test_results_are_read_back_from_their_files_alone(mf6: Path, tmp_path: Path) -> None:
    from mhx.groundwater import catalog as flow_catalog

    made = column(time={"length": 100.0, "steps": 5}, observation=[{"id": "p", "x": 40, "y": 2}])
    run = solved(made, tmp_path / "mf6", mf6)
    flow_catalog.write_results(tmp_path, run.flow.result, {"sim_id": "1"})
    catalog.write_results(tmp_path, run.result)
    again = catalog.reopen(tmp_path)
    mine = run.result
    for name in ("time_d", "length_d", "concentration", "start", "pore_volume", "sorbing", "held",
                 "steps_d", "converged", "percent"):  # fmt: skip
        np.testing.assert_array_equal(getattr(mine, name), getattr(again, name))
    assert again.budget == mine.budget and dict(again.about) == dict(mine.about)
    np.testing.assert_array_equal(again.observed["p"], mine.observed["p"])
    np.testing.assert_array_equal(again.fields["outflow"], mine.fields["outflow"])
    assert again.connections is not None and mine.connections is not None
    for name in ("one", "other", "rate", "area", "distance", "lateral"):
        np.testing.assert_array_equal(
            getattr(again.connections, name), getattr(mine.connections, name)
        )
    flow_catalog.reopen(tmp_path)  # what was added does not disturb what was there
    (tmp_path / "results" / "solute_budget.csv").write_text("step,component\n")
    with pytest.raises(EvidenceError, match="is not as it was written"):
        catalog.reopen(tmp_path)


@pytest.mark.parametrize("name", ["solute.ucn", "solute.budget.csv", "flow.cbc"])
def test_a_torn_file_is_no_result(name: str, mf6: Path, tmp_path: Path) -> None:
    from mhx.groundwater.transport.reading import read_results

    from .columns import task_of

    made = column(time={"length": 100.0, "steps": 5})
    run = solved(made, tmp_path / "mf6", mf6)
    path = tmp_path / "mf6" / name
    path.write_bytes(path.read_bytes()[: -path.stat().st_size // 3])
    model = gwt.model_of(task_of(made, tmp_path / "mf6", mf6))
    with pytest.raises(EvidenceError, match=name):
        read_results(model, run.flow.result, tmp_path / "mf6", 0.0)


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
def test_a_pulse_comes_with_the_water_of_its_stress_period(mf6: Path, tmp_path: Path) -> None:
    """Steady states one after the other: only the concentration changes; steps are theirs."""
    (tmp_path / "in.csv").write_text("mg\n0\n2000\n0\n")
    made = column(time={"courant": 0.5})
    made["transport"]["bc"] = []
    made["flow"]["time"] = {"period": [{"length": days} for days in (10.0, 20.0, 70.0)]}
    made["flow"]["bc"][0]["concentration"] = {
        "file": str(tmp_path / "in.csv"), "column": "mg", "unit": "mg/L",
    }  # fmt: skip
    run = solved(made, tmp_path / "mf6", mf6)
    result = run.result
    assert [p.steps for p in run.flow.model.periods] == [2, 4, 14]
    assert run.flow.result.saved == 3, "each steady state once"
    water = POROSITY * VELOCITY * 5.0
    assert mass(run) + budget_out(run, "east") == pytest.approx(water * 2.0 * 20.0, rel=1e-6)
    entering = [row.rate_in * 86400 for row in result.budget if row.boundary == "west"]
    np.testing.assert_allclose(entering, [0] * 2 + [water * 2.0] * 4 + [0] * 14, rtol=1e-6)
    assert result.concentration[1].max() == 0 and result.concentration[5, 0, 0] > 1


def budget_out(run: Any, boundary: str) -> float:
    """Mass that left through one boundary [kg]."""
    lengths = run.result.length_d * 86400
    rows = [row for row in run.result.budget if row.boundary == boundary]
    return float(sum(row.rate_out * lengths[row.saved] for row in rows))


def test_one_steady_period_lasts_as_long_as_flow_or_transport_says(
    mf6: Path, tmp_path: Path
) -> None:
    made = column(time={"steps": 4})
    made["flow"]["time"] = {"period": [{"length": 12.0}]}
    assert solved(made, tmp_path / "1", mf6).result.steps_d.tolist() == [3.0, 6.0, 9.0, 12.0]
    made["transport"]["time"] = {"length": 48.0, "unit": "hour", "steps": 1}
    assert solved(made, tmp_path / "2", mf6).result.steps_d.tolist() == [2.0]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1.5", 1.5), (" .25E-10", 0.25e-10), ("0.8257029853554466-100", 0.8257029853554466e-100),
        ("-.5+123", -0.5e123), ("1.-101", 1e-101), ("0.4-310", 0.4e-310),
    ],
)  # fmt: skip
def test_numbers_of_fortran_are_read_without_their_e(text: str, value: float) -> None:
    from mhx.groundwater.transport.reading import number

    assert number(text) == value


def test_what_is_no_number_is_refused() -> None:
    from mhx.groundwater.transport.reading import number

    for text in ("", "***", "1.0-10", "a-100"):
        with pytest.raises(ValueError, match="could not convert"):
            number(text)


@pytest.mark.slow
def test_a_curve_over_a_thousand_cells_is_read_to_its_last_digit(mf6: Path, tmp_path: Path) -> None:
    """Far ahead of a front concentrations are 1e-100, and a row of the table is long."""
    made = column(cells=1200, size=1.0, time={"length": 10.0, "steps": 3})
    made["mesh"]["constraint"] = [{"id": "axis", "points": [[0.0, 0.5], [1200.0, 0.5]]}]
    made["transport"]["observation"] = [{"id": "axis", "line": "axis"}]
    result = solved(made, tmp_path / "mf6", mf6).result
    np.testing.assert_allclose(
        result.observed["axis"], result.concentration[:, 0].mean(axis=1), rtol=1e-9
    )
    assert 0 < np.abs(result.concentration[0]).min() < 1e-100
