"""MT3D-USGS against GWT of MODFLOW 6 and an exact answer, mass kept, and failures in words."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("shapely")
pytest.importorskip("scipy")

from mhx.errors import ConfigError, SolverError
from mhx.groundwater.legacy import mt3d_files
from mhx.groundwater.legacy.agreement import EQUAL, SCHEMES
from mhx.groundwater.solved import TransportRun
from mhx.groundwater.transport.results import TransportResult
from mhx.groundwater.units import DAY

from ..transport.columns import budget, column, ogata_banks
from .cases import changed, plume_case, transport_of

POROUS = {"porosity": 0.3}
REACTING = POROUS | {"kd": 1e-4, "bulk_density": 1600.0, "decay": {"value": 0.01, "unit": "1/day"}}
SPREADING = POROUS | {"alpha_l": 5.0, "alpha_th": 0.5, "diffusion": 1e-9}
TREES = [
    {"id": name, "package": "evt", "where": {"cells": [cell]}, "depth": 10.0,
     "rate": {"value": 20.0, "unit": "mm/day"}, **carried}
    for name, cell, carried in (("oak", 145, {}), ("ash", 165, {"concentration": 0.0}))
]  # fmt: skip
CONVERTIBLE = {"flow__formulation": {"newton": True, "xt3d": False}}
STORING = {
    "flow__regime": "transient",
    "flow__time": {"period": [{"length": 20.0, "steps": 4}, {"length": 30.0, "steps": 3,
                                                             "multiplier": 1.2}]},
    "flow__param": {"K": {"value": 5.0, "unit": "m/day"}, "Ss": {"value": 1e-5},
                    "Sy": {"value": 0.2}},
}  # fmt: skip
CENTRAL = {"transport__scheme": {"advection": "central"}}
COARSE = {"courant": 100.0}
"""Time steps as the stress periods say them."""
BENDS = (
    "dispersion where the flow bends within a cell, as at wells, where other neighbouring "
    "velocities are taken, by 5e-4 to 9e-2, at point sources up to 0.2"
)
PART_FULL = (
    "between layers of which one is part full, where GWT takes the whole thickness, by 1e-4 to 3e-2"
)


def both(tmp_path: Path, **changes: Any) -> tuple[TransportRun, TransportRun]:
    """MODFLOW 6 and MT3D-USGS on one configuration."""
    names = ("mf6", "mt3dusgs")
    runs = [transport_of(plume_case(name, **changes), tmp_path / name) for name in names]
    return runs[0], runs[1]


def apart(one: TransportRun, other: TransportRun) -> float:
    """Largest difference of concentrations as a share of the largest that enters."""
    ours, theirs = one.result.concentration, other.result.concentration
    assert ours.shape == theirs.shape
    return float(np.abs(ours - theirs).max()) / one.result.about["source_concentration"]


@pytest.mark.parametrize(
    ("scheme", "changes"),
    [
        ("upstream", {}),
        ("central", {}),
        ("upstream", {"n_layers": 2, "transport__param": REACTING}),
        ("central", {"n_layers": 2, "transport__param": POROUS | {"kd": 1e-4,
                                                                  "bulk_density": 1600.0}}),
        ("upstream", {"n_layers": 2, **CONVERTIBLE}),
        ("central", CONVERTIBLE),
        ("upstream", {**CONVERTIBLE, **STORING, "transport__time": COARSE}),
    ],
    ids=["upstream", "central", "reactions", "sorption, two layers", "two convertible layers",
         "convertible", "transient"],
)  # fmt: skip
def test_finite_differences_are_those_of_gwt(
    scheme: str, changes: dict[str, Any], mf6: Path, mt3dusgs: Path, tmp_path: Path
) -> None:
    """Three digits are asked for; single precision lets pass 1e-5."""
    ours, theirs = both(tmp_path, transport__scheme={"advection": scheme}, **changes)
    assert apart(ours, theirs) <= 1e-5
    assert theirs.notes["agreement"] == EQUAL


def test_dispersion_along_the_grid_is_that_of_gwt(
    mf6: Path, mt3dusgs: Path, tmp_path: Path
) -> None:
    """A spill into uniform flow, longitudinal and transverse dispersion and diffusion."""
    uniform = {
        "flow__source": [
            {"id": "in", "package": "wel", "where": {"side": "west"}, "rate": 1e-5,
             "concentration": 0.1},
        ],
        "flow__bc": [{"id": "east", "package": "chd", "where": {"side": "east"}, "head": 9.0}],
        "transport__param": SPREADING,
    }  # fmt: skip
    ours, theirs = both(tmp_path, transport__scheme={"advection": "central"}, **uniform)
    assert ours.result.concentration.max() > 0.1
    assert apart(ours, theirs) <= 1e-4
    assert theirs.notes["agreement"] == EQUAL


@pytest.mark.slow
@pytest.mark.parametrize(
    ("changes", "told", "most"),
    [
        ({"transport__param": SPREADING}, BENDS, 0.2),
        ({"transport__param": POROUS | {"alpha_l": 5.0}, **CENTRAL},
         f"{BENDS.removesuffix('0.2')}0.3 with central weights", 0.3),
        ({"n_layers": 2, **CONVERTIBLE, "transport__param": POROUS | {"diffusion": 1e-7}},
         f"dispersion or diffusion {PART_FULL}", 3e-2),
        ({"n_layers": 2, **CONVERTIBLE, **CENTRAL},
         f"central weights {PART_FULL}, up to 0.2 where central weights oscillate", 0.2),
        ({**CONVERTIBLE, **STORING, "transport__time": COARSE, "transport__param": REACTING},
         "sorption and decay under a moving water table, by up to 1e-2", 1e-2),
        ({"transport__param": POROUS | {"decay": {"value": 1e-3, "unit": "1/day"},
                                        "decay_order": 0}},
         "decay of zero order where less is left than decays in a time step, by 3e-4 to 1e-2",
         1e-2),
    ],
    ids=["bending", "central and bending", "diffusion", "central", "moving water table", "decay"],
)  # fmt: skip
def test_where_formulations_differ_is_told_and_how_far(
    changes: dict[str, Any], told: str, most: float, mf6: Path, mt3dusgs: Path, tmp_path: Path
) -> None:
    """What is said to differ does, beyond single precision and within the figures that are told."""
    ours, theirs = both(tmp_path, **changes)
    assert theirs.notes["agreement"] == f"differs from GWT: {told}"
    one, other = ours.result.concentration, theirs.result.concentration
    assert 1e-4 < float(np.abs(one - other).max() / one.max()) <= most


def test_what_each_boundary_brings_and_takes_is_told(
    mf6: Path, mt3dusgs: Path, tmp_path: Path
) -> None:
    """Two wells and two trees share a term of MT3D-USGS; of the ash nothing but water is taken."""
    case = plume_case()["flow"]["source"]
    reacting = {"flow__source": case + TREES, "transport__param": REACTING}
    ours, theirs = (masses(run.result) for run in both(tmp_path, **reacting))
    names = {"chd/east", "ghb/lake", "wel/inject", "wel/pump", "rcha/rain", "evt/oak", "evt/ash"}
    assert names | {"src/spill", "storage", "sorption", "decay"} <= set(theirs)
    scale = ours["wel"][0]
    for key in set(ours) | set(theirs):
        one, other = ours.get(key, (0.0, 0.0)), theirs.get(key, (0.0, 0.0))
        assert other == pytest.approx(one, rel=1e-4, abs=1e-6 * scale), key
    assert theirs["evt/ash"][1] == 0.0 and theirs["evt/oak"][1] > 0.0


@pytest.mark.slow
@pytest.mark.parametrize("regime", ["steady", "transient"])
def test_two_periods_with_all_that_changes_are_those_of_gwt(
    regime: str, mf6: Path, mt3dusgs: Path, tmp_path: Path
) -> None:
    """Rates and concentrations by series, held cells, two spills, a river and a drain."""
    series = tmp_path / "series.csv"
    series.write_text("q,c,held\n20,1.0,0.3\n5,0.2,0.9\n")
    flow = plume_case()["flow"]
    inject, pump, rain = flow["source"]
    inject |= {"rate": column_of(series, "q", unit="m3/day")}
    for one in (inject, rain):
        one["concentration"] = column_of(series, "c")
    bc = [
        {"id": "river", "package": "riv", "where": {"cells": [10, 11]}, "stage": 11.0,
         "bottom": 8.5, "conductance": 1e-4, "concentration": 0.5},
        {"id": "drain", "package": "drn", "where": {"cells": [17]}, "elevation": 8.9,
         "conductance": 1e-4},
    ]  # fmt: skip
    spill = plume_case()["transport"]["bc"]
    held = {"id": "held", "package": "cnc", "where": {"cells": [130]}}
    ours, theirs = both(
        tmp_path,
        **STORING | CONVERTIBLE | {"flow__regime": regime},
        transport__time=COARSE,
        flow__source=[inject, pump, rain],
        flow__bc=flow["bc"] + bc,
        transport__bc=[
            *spill,
            {"id": "more", "package": "src", "where": {"cells": [33]}, "value": 2e-6},
            held | {"value": column_of(series, "held")},
        ],
    )
    assert apart(ours, theirs) <= 1e-5
    expected, found = masses(ours.result), masses(theirs.result)
    held_in, held_out = expected["cnc/held"]
    assert found["cnc/held"] == pytest.approx((held_in - held_out, 0.0), rel=1e-4)
    for key in ("riv/river", "drn/drain", "src/more", "src/spill", "wel/inject", "wel/pump"):
        assert found[key] == pytest.approx(expected[key], rel=1e-4, abs=1e-3), key


def column_of(path: Path, name: str, **more: str) -> dict[str, str]:
    return {"file": str(path), "column": name, **more}


def masses(result: TransportResult) -> dict[str, tuple[float, float]]:
    """Mass in and out over the whole time of each component, and of each of its boundaries [kg]."""
    found: dict[str, tuple[float, float]] = {}
    for row in result.budget:
        key = f"{row.component}/{row.boundary}" if row.boundary else row.component
        lasts = float(result.length_d[row.saved]) * DAY
        entered, left = found.get(key, (0.0, 0.0))
        found[key] = (entered + row.rate_in * lasts, left + row.rate_out * lasts)
    return found


@pytest.mark.parametrize("save", ["all", "last"])
def test_mass_is_kept(save: str, mt3dusgs: Path, tmp_path: Path) -> None:
    """What came in, went out and decayed is what the concentrations show, whatever was saved."""
    changes = {
        "solver__mf6__save": save,
        **STORING,
        "transport__time": COARSE,
        "transport__param": REACTING,
    }
    result = transport_of(plume_case(**changes), tmp_path).result
    assert len(result.time_d) == (7 if save == "all" else 2) and len(result.steps_d) == 7
    found = masses(result)
    entered, left = np.array([v for k, v in found.items() if "/" not in k]).sum(axis=0)
    assert entered == pytest.approx(left, rel=1e-5)
    room = result.pore_volume[-1] + result.sorbing
    stored = sum(found[key][1] - found[key][0] for key in ("storage", "sorption"))
    assert stored == pytest.approx(float((result.concentration[-1] * room).sum()), rel=1e-4)
    assert result.converged.all() and np.abs(result.percent).max() <= 0.05


def column_error(scheme: str, engine: str, folder: Path, added: float = 0.0) -> float:
    """Largest error of 100 m held at 1 in the west: v 0.5 m/d, alpha 2.5 m, after 80 days.

    Cells of 1 m and 160 steps.  added: to the dispersion of the exact answer [m2/d].
    """
    case = column(cells=100, size=1.0, time={"length": 80.0, "steps": 160})
    own = {"mt3dusgs": {"advection": "tvd" if scheme == "tvd" else "finite_difference"}}
    changed(case, engine=engine, transport__scheme={"advection": scheme}, solver=own)
    run = transport_of(case, folder)
    exact = ogata_banks(np.arange(100.0), 80.0, 0.5, 1.25 + added)
    assert budget(run, "cnc") > 0 and len(run.result.steps_d) == 160
    return float(np.abs(run.result.concentration[-1, 0] - exact).max())


def test_a_column_follows_ogata_and_banks(mt3dusgs: Path, tmp_path: Path) -> None:
    """Upstream adds v dx/2 to a dispersion of 1.25 m2/d, and time steps about v^2 dt/2.

    With these the exact answer is met four times as closely; central has the latter alone.
    """
    upstream = column_error("upstream", "mt3dusgs", tmp_path / "upstream")
    explained = column_error("upstream", "mt3dusgs", tmp_path / "again", 0.25 + 0.0625)
    assert explained < 0.25 * upstream
    assert column_error("central", "mt3dusgs", tmp_path / "central") < 0.25 * upstream


@pytest.mark.slow
def test_tvd_of_third_order_is_nearer_the_truth_than_that_of_gwt(
    mf6: Path, mt3dusgs: Path, tmp_path: Path
) -> None:
    """It takes its time steps explicitly, as many as it needs within each."""
    errors = {name: column_error("tvd", name, tmp_path / name) for name in ("mf6", "mt3dusgs")}
    assert errors["mt3dusgs"] < 0.8 * errors["mf6"]


@pytest.mark.slow
def test_errors_against_ogata_and_banks_halve_with_space_and_time(
    mt3dusgs: Path, tmp_path: Path
) -> None:
    """Upstream and implicit Euler are of first order."""
    errors = []
    for cells in (50, 100, 200):
        case = column(cells=cells, size=100.0 / cells, time={"length": 80.0, "steps": 2 * cells})
        run = transport_of(changed(case, engine="mt3dusgs"), tmp_path / str(cells))
        x = np.arange(cells) * 100.0 / cells
        exact = ogata_banks(x, 80.0, 0.5, 1.25)
        errors.append(float(np.abs(run.result.concentration[-1, 0] - exact).max()))
    orders = np.log2(np.array(errors[:-1]) / errors[1:])
    assert orders == pytest.approx([1.0, 1.0], abs=0.2), errors


def test_steps_follow_from_the_courant_number(mf6: Path, mt3dusgs: Path, tmp_path: Path) -> None:
    """As with MODFLOW 6, and one steady flow is solved in one step all the same."""
    ours, theirs = both(tmp_path, transport__time={"length": 60.0, "courant": 0.4})
    assert ours.result.steps_d == pytest.approx(theirs.result.steps_d)
    assert len(theirs.flow.result.steps) == 1 and len(theirs.result.steps_d) > 10
    result = theirs.result
    courant = result.fields["outflow"] * DAY * result.length_d[:, None, None] / result.pore_volume
    assert 0.3 < courant.max() <= 0.4 * (1 + 1e-6)


@pytest.mark.slow
def test_the_flow_below_is_told_as_modflow_6_tells_it(
    mf6: Path, mt3dusgs: Path, tmp_path: Path
) -> None:
    ours, theirs = both(tmp_path, n_layers=2, **CONVERTIBLE)
    one, other = ours.result.connections, theirs.result.connections
    assert one is not None and other is not None
    assert np.array_equal(one.one, other.one) and np.array_equal(one.other, other.other)
    scale = np.abs(one.rate).max()
    assert other.rate == pytest.approx(one.rate, abs=1e-6 * scale)
    assert other.area == pytest.approx(one.area, rel=1e-5)
    assert theirs.result.pore_volume == pytest.approx(ours.result.pore_volume, rel=1e-5)
    leaves = ours.result.fields["outflow"]
    assert theirs.result.fields["outflow"] == pytest.approx(leaves, rel=1e-4, abs=1e-6 * scale)
    assert theirs.result.about.keys() == ours.result.about.keys()
    assert theirs.result.about["zero_inflow"] == ours.result.about["zero_inflow"]
    assert theirs.result.observed["mid"] == pytest.approx(ours.result.observed["mid"], abs=1e-5)


def test_particles_are_none_of_the_schemes_of_gwt(mt3dusgs: Path, tmp_path: Path) -> None:
    run = transport_of(plume_case(solver={"mt3dusgs": {"advection": "moc"}}), tmp_path)
    assert run.result.about["scheme"] == {"upstream": 0, "central": 0, "tvd": 0}
    assert run.notes["scheme"] == "moc, explicit in time"
    assert run.notes["agreement"] == f"differs from GWT: {SCHEMES['moc']}"


def test_a_solver_that_stalls_is_a_failure(
    mt3dusgs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """MT3D-USGS goes on after the last iteration without a word."""
    monkeypatch.setattr(mt3d_files, "ITERATIONS", 1)
    with pytest.raises(SolverError) as error:
        transport_of(plume_case(), tmp_path / "mt3dusgs")
    told = str(error.value)
    line = int(told.rpartition(" ")[2])
    assert told == (
        "MT3D-USGS did not converge in stress period 1, time step 1 (1 iterations); it is single "
        f"precision: raise solver.mt3dusgs.closure; see mt3dusgs/solute.lst line {line}"
    )


def test_what_mt3d_usgs_cannot_read_is_refused(mt3dusgs: Path, tmp_path: Path) -> None:
    values = tmp_path / "alpha_th.csv"
    values.write_text("value\n" + "\n".join(str(0.1 + 0.001 * n) for n in range(240)) + "\n")
    uneven = SPREADING | {"alpha_th": {"file": str(values)}}
    with pytest.raises(ConfigError, match="alpha_th over alpha_l must be the same in all cells"):
        transport_of(plume_case(transport__param=uneven), tmp_path)
    alone = POROUS | {"alpha_l": 0.0, "alpha_th": 0.5}
    with pytest.raises(ConfigError, match="alpha_th must be 0 where alpha_l is 0"):
        transport_of(plume_case(transport__param=alone), tmp_path)


def test_two_waters_of_one_type_in_a_cell_are_refused(mt3dusgs: Path, tmp_path: Path) -> None:
    case = plume_case()
    well = case["flow"]["source"][0]
    case["flow"]["source"].append(well | {"id": "again", "concentration": 0.5})
    with pytest.raises(ConfigError) as error:
        transport_of(case, tmp_path)
    assert "'again' and 'inject' are both wel in cell 124" in str(error.value)


def test_files_are_written_to_the_byte(mt3dusgs: Path, tmp_path: Path) -> None:
    inputs = []
    for name in ("one", "two"):
        run = transport_of(plume_case(**STORING, transport__time=COARSE), tmp_path / name)
        inputs.append({file: (tmp_path / name / file).read_bytes() for file in run.flow.inputs})
    assert inputs[0] == inputs[1] and mt3d_files.NAMES in inputs[0]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "         0"),
        (1.0, "         1"),
        (0.1, "       0.1"),
        (1 / 3, "0.33333333"),
        (1.23456789e-9, "1.234568-9"),
        (123456789.0, " 123456789"),
        (1e30, "     1e+30"),
        (-1.2345678e-12, "-1.2346-12"),
    ],
)
def test_numbers_fit_into_ten_characters(value: float, text: str) -> None:
    found = mt3d_files.field(value)
    assert found == text and len(found) == 10
