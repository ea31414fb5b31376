"""Runs of somebody else's models, held against what flopy reads of the files that MODFLOW left."""

import hashlib
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mhx.errors import SolverError
from mhx.groundwater import catalog
from mhx.groundwater.flow_metrics import flow_metrics
from mhx.groundwater.simulation import run
from mhx.runner import RunRequest, RunSummary

from . import own_models
from .own_models import heads, written

pytestmark = pytest.mark.slow

DAY = 86_400.0
Carry = Callable[..., tuple[RunSummary, Path]]


def request(own: Path, root: Path, **more: Any) -> RunRequest:
    config: dict[str, Any] = {
        "simulation": {"process": [{"id": "flow", "type": "flow"}]},
        "output": {"figures": False},
        "model": {"path": own},
    }
    for key, value in more.items():
        config[key] = config.get(key, {}) | value if isinstance(value, Mapping) else value
    root.mkdir(exist_ok=True)
    return RunRequest(config=config, output_dir=root)


@pytest.fixture
def carry(mf6: Path, tmp_path: Path) -> Carry:
    """Writes a model with flopy, runs it through mhx, returns what is told and the run folder."""

    def carried_out(sim: Any, **more: Any) -> tuple[RunSummary, Path]:
        root = tmp_path / "run"
        return run(request(written(sim), root, **more)), root

    return carried_out


def metric(told: RunSummary, name: str) -> float:
    return told.metrics[f"flow_metrics.{name}"]


def digests(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.mark.parametrize("kind", ["dis", "disv", "disu"])
def test_heads_are_those_of_the_head_file(kind: str, carry: Carry, tmp_path: Path) -> None:
    told, root = carry(own_models.plain(tmp_path / "own", kind))
    theirs = heads(root / "mf6" / "flow.hds")
    ours = catalog.reopen(root)
    assert np.array_equal(ours.heads.reshape(6, -1), theirs.reshape(6, -1))
    assert ours.time_d.tolist() == pytest.approx([1, 3.747253, 7.043956, 11, 21, 31])
    assert metric(told, "head_range_m") == pytest.approx(np.ptp(theirs[-1]))
    assert metric(told, "head_mean") == pytest.approx(theirs[-1].mean())
    assert metric(told, "converged") == 1 and metric(told, "steps_total") == 6


@pytest.mark.parametrize("make", [own_models.plain, own_models.advanced])
def test_rates_add_up_to_the_totals_of_the_listing(make: Any, carry: Carry, tmp_path: Path) -> None:
    import flopy

    told, root = carry(make(tmp_path / "own"))
    theirs = flopy.utils.Mf6ListBudget(str(root / "mf6" / "flow.lst")).get_incremental()[-1]
    result = catalog.reopen(root)
    for side, total in (("in", "TOTAL_IN"), ("out", "TOTAL_OUT")):
        ours = sum(
            getattr(row, f"rate_{side}")
            for row in result.budget
            if row.saved == result.saved - 1 and not row.boundary
        )
        assert ours * DAY == pytest.approx(theirs[total], rel=1e-6)
    assert metric(told, "closure_relative") < 1e-7


def test_what_moves_on_by_the_mover_counts_for_its_package(carry: Carry, tmp_path: Path) -> None:
    told, _ = carry(own_models.advanced(tmp_path / "own"))
    parts = [metric(told, f"budget_{name}_rate_out_m3_s") for name in ("maw", "sfr", "lak")]
    names = ["budget_maw_rate_out_m3_s", "budget_sfr_rate_out_m3_s", "budget_lak_rate_out_m3_s"]
    assert parts == [told.metrics[f"flow_metrics.{name}"] for name in names]
    assert metric(told, "budget_uzf-gwrch_rate_in_m3_s") > 0
    assert metric(told, "newton") == 1


def strip(folder: Path, length: str, time: str) -> Any:
    """One strip of ten cells of 10 m with rain and storage, in any units."""
    import flopy

    from mhx.groundwater.existing.quantities import LENGTHS, TIMES

    m, d = 1 / LENGTHS[length], DAY / TIMES[time]
    sim = flopy.mf6.MFSimulation(sim_name="strip", sim_ws=str(folder))
    sim.simulation_data.float_precision = 17
    sim.simulation_data.float_characters = 26
    flopy.mf6.ModflowTdis(sim, perioddata=[(10 * d, 2, 1.5)], time_units=time)
    flopy.mf6.ModflowIms(
        sim, outer_dvclose=1e-10 * m, inner_dvclose=1e-11 * m, complexity="complex"
    )
    gwf = flopy.mf6.ModflowGwf(sim, modelname="strip", save_flows=True)
    flopy.mf6.ModflowGwfdis(
        gwf, nrow=1, ncol=10, delr=10 * m, delc=7 * m, top=20 * m, botm=[10 * m, 0.0], nlay=2,
        length_units=length, idomain=np.array([[[1] * 9 + [0]], [[1] * 10]]),
    )  # fmt: skip
    flopy.mf6.ModflowGwfic(gwf, strt=15 * m)
    flopy.mf6.ModflowGwfnpf(gwf, k=2 * m / d, icelltype=1)
    flopy.mf6.ModflowGwfsto(gwf, ss=1e-5 / m, sy=0.1, iconvert=1, transient={0: True})
    flopy.mf6.ModflowGwfchd(gwf, stress_period_data=[((0, 0, 0), 14 * m)])
    flopy.mf6.ModflowGwfwel(gwf, stress_period_data=[((1, 0, 5), -1.5 * m**3 / d)])
    flopy.mf6.ModflowGwfrcha(gwf, recharge=1e-3 * m / d)
    flopy.mf6.ModflowGwfoc(
        gwf, head_filerecord="strip.hds", budget_filerecord="strip.cbc",
        saverecord=[("HEAD", "ALL"), ("BUDGET", "ALL")], printrecord=[("BUDGET", "ALL")],
    )  # fmt: skip
    return sim


def test_metrics_do_not_depend_on_the_units_of_the_model(carry: Carry, tmp_path: Path) -> None:
    si, _ = carry(strip(tmp_path / "si", "meters", "days"))
    feet, _ = carry(strip(tmp_path / "feet", "feet", "hours"))
    different = {"duration_s", "time_unit_days"}
    for name in si.metrics:
        short = name.removeprefix("flow_metrics.")
        tiny = "percent" in short or "closure" in short or "iterations" in short
        if short not in different and not tiny:
            # what the solver leaves open differs with the units
            expected = pytest.approx(si.metrics[name], rel=1e-6, abs=1e-12, nan_ok=True)
            assert feet.metrics[name] == expected, name


def test_cells_that_take_no_part_are_no_dry_cells(carry: Carry, tmp_path: Path) -> None:
    told, root = carry(strip(tmp_path / "own", "meters", "days"))
    assert metric(told, "head_total_count") == 19 == metric(told, "head_finite_count")
    assert metric(told, "dry_cell_fraction") == 0.0
    assert metric(told, "n_cells") == 10 and metric(told, "n_layers") == 2
    result = catalog.reopen(root)
    assert result.active is not None and np.isnan(result.heads[:, ~result.active]).all()
    # the ground of the last column is the top of its lower cell
    assert result.top.tolist() == [20.0] * 9 + [10.0]


@pytest.mark.parametrize("kind", ["dis", "disu"])
def test_a_finished_run_is_measured_again_from_its_results(
    kind: str, carry: Carry, tmp_path: Path
) -> None:
    told, root = carry(own_models.plain(tmp_path / "own", kind))
    again = {
        f"flow_metrics.{key}": value for key, value in flow_metrics(catalog.reopen(root)).items()
    }
    assert again == pytest.approx(dict(told.metrics), nan_ok=True)


def test_balances_that_the_listing_does_not_print_are_left_out(
    carry: Carry, tmp_path: Path
) -> None:
    told, root = carry(own_models.plain(tmp_path / "own"))
    about = catalog.reopen(root).about
    assert len(about["unprinted"]) + metric(told, "mass_balance_rows") / 2 == 6
    assert metric(told, "max_abs_step_percent_discrepancy") < 0.01


def test_the_users_folder_stays_as_it_is(mf6: Path, tmp_path: Path) -> None:
    model = written(own_models.external(tmp_path / "own"))
    before = digests(model)
    patch = {"id": "k", "package": "npf", "variable": "k", "operation": "multiply", "value": 2.0}
    run(request(model, tmp_path / "run", model={"path": model, "patch": [patch]}))
    assert digests(model) == before


def test_several_models_are_told_apart_and_together(carry: Carry, tmp_path: Path) -> None:
    told, root = carry(own_models.joined(tmp_path / "own"))
    for name in ("rate_in_m3_s", "volume_out_m3"):
        of_each = [metric(told, f"{model}.budget_gwf-gwf_{name}") for model in ("west", "east")]
        assert metric(told, f"budget_gwf-gwf_{name}") == pytest.approx(sum(of_each))
    into_east = metric(told, "east.budget_gwf-gwf_rate_in_m3_s")
    assert into_east == pytest.approx(metric(told, "west.budget_gwf-gwf_rate_out_m3_s"))
    assert into_east > 0
    assert metric(told, "n_cells") == 96 and metric(told, "n_layers") == 2
    highest = max(metric(told, "west.head_max_m"), metric(told, "east.head_max_m"))
    assert metric(told, "head_max_m") == highest
    water = [metric(told, f"{model}.saturated_volume_m3") for model in ("west", "east")]
    assert metric(told, "saturated_volume_m3") == pytest.approx(sum(water))
    assert metric(told, "closure_relative") < 1e-7
    west = flow_metrics(catalog.reopen(root, "west"))
    assert west["head_range_m"] == metric(told, "west.head_range_m")
    assert (root / "mesh" / "east" / "cells.csv").is_file()


def test_solute_adds_up_apart_from_water(carry: Carry, tmp_path: Path) -> None:
    told, _ = carry(own_models.coupled(tmp_path / "own"))
    found = {
        key.removeprefix("transport_metrics."): value
        for key, value in told.metrics.items()
        if key.startswith("transport_metrics.")
    }
    assert found["closure_relative"] < 1e-9
    assert found["n_timesteps"] == 6 and found["scheme_upstream"] == 1
    assert found["param_porosity"] == 0.25 and found["param_alpha_l"] == 20.0
    # what the held cell holds was there before anything came in
    held = 5.0 * 0.25 * 100.0 * 100.0 * 20.0
    came = found["mass_in_kg"] - found["mass_out_kg"]
    assert found["mass_stored_kg"] == pytest.approx(came + held, rel=1e-3)
    assert metric(told, "closure_relative") < 1e-7
    gates = json.loads((tmp_path / "run" / "validation.json").read_text())["verdicts"]
    assert gates["every_step_of_solute_converged"]["verdict"] == "pass"


def test_of_transport_without_its_flow_only_concentrations_are_told(
    mf6: Path, tmp_path: Path
) -> None:
    own_models.solved(mf6, written(own_models.below(tmp_path / "user")))
    told = run(request(written(own_models.apart(tmp_path / "own")), tmp_path / "run"))
    theirs = heads(tmp_path / "run" / "mf6" / "salt.ucn", "concentration")
    assert told.metrics["transport_metrics.c_max"] == theirs.max() > 0
    assert told.metrics["transport_metrics.converged"] == 1
    assert "transport_metrics.mass_in_kg" not in told.metrics
    assert "nothing is told" in told.notes["transport.salt"]
    assert not any(name.startswith("flow_metrics.") for name in told.metrics)
    gates = json.loads((tmp_path / "run" / "validation.json").read_text())["verdicts"]
    assert {gate["verdict"] for gate in gates.values()} == {"pass"}


def test_each_species_is_told_by_its_model(carry: Carry, tmp_path: Path) -> None:
    import flopy

    sim = own_models.coupled(tmp_path / "own")
    gwt = flopy.mf6.ModflowGwt(sim, modelname="dye", save_flows=True)
    flopy.mf6.ModflowGwtdis(
        gwt, nlay=2, nrow=own_models.ROWS, ncol=own_models.COLUMNS, delr=100.0, delc=100.0,
        top=sim.get_model("flow").dis.top.array, botm=[20.0, 0.0],
    )  # fmt: skip
    flopy.mf6.ModflowGwtic(gwt, strt=1.0)
    flopy.mf6.ModflowGwtmst(gwt, porosity=0.25)
    flopy.mf6.ModflowGwtadv(gwt, scheme="tvd")
    flopy.mf6.ModflowGwtssm(gwt)
    flopy.mf6.ModflowGwtoc(
        gwt, concentration_filerecord="dye.ucn", budget_filerecord="dye.cbc",
        saverecord=[("CONCENTRATION", "ALL"), ("BUDGET", "ALL")],
    )  # fmt: skip
    flopy.mf6.ModflowIms(
        sim, linear_acceleration="bicgstab", filename="dye.ims", pname="third",
        outer_dvclose=1e-11, inner_dvclose=1e-12,
    )  # fmt: skip
    sim.register_ims_package(sim.get_package("third"), ["dye"])
    flopy.mf6.ModflowGwfgwt(
        sim, exgtype="GWF6-GWT6", exgmnamea="flow", exgmnameb="dye", filename="dye.gwfgwt"
    )
    told, root = carry(sim, output={"figures": True})
    assert told.metrics["transport_metrics.salt.scheme_upstream"] == 1
    assert told.metrics["transport_metrics.dye.scheme_tvd"] == 1
    assert told.metrics["transport_metrics.dye.c_max"] <= 1.0 + 1e-9
    closures = [
        told.metrics[f"transport_metrics.{name}.closure_relative"] for name in ("salt", "dye")
    ]
    assert told.metrics["transport_metrics.closure_relative"] == max(closures) < 1e-6
    assert (root / "figures" / "dye" / "concentration_maps.png").is_file()


def test_steps_that_adapt_are_all_told_of(carry: Carry, tmp_path: Path) -> None:
    import flopy

    sim = own_models.plain(tmp_path / "own")
    rows = [(1, 1.0, 1e-3, 5.0, 2.0, 5.0)]
    sim.tdis.ats.initialize(maxats=1, perioddata=rows)
    assert isinstance(sim, flopy.mf6.MFSimulation)
    told, root = carry(sim)
    result = catalog.reopen(root)
    assert result.all_saved and result.saved > 6
    assert result.ended_d.tolist() == result.time_d.tolist()
    assert result.time_d[-1] == pytest.approx(31.0)
    assert metric(told, "steps_not_converged") == 0


UNSOLVED = {"id": "few", "file": "ims", "block": "nonlinear", "key": "outer_maximum", "value": 1}


def test_a_model_that_does_not_converge_is_told_with_its_step(mf6: Path, tmp_path: Path) -> None:
    model = written(own_models.advanced(tmp_path / "own"))
    asked = request(model, tmp_path / "run", model={"path": model, "option": [UNSOLVED]})
    with pytest.raises(SolverError, match="did not converge in stress period 1, time step 1"):
        run(asked)


def test_steps_that_may_fail_fail_their_gate(mf6: Path, tmp_path: Path) -> None:
    model = written(own_models.advanced(tmp_path / "own"))
    goes_on = {
        "id": "on",
        "file": "mfsim.nam",
        "block": "options",
        "key": "continue",
        "value": True,
    }
    told = run(
        request(
            model,
            tmp_path / "run",
            model={"path": model, "option": [UNSOLVED, goes_on], "allow_continue": True},
        )
    )
    assert metric(told, "converged") == 0 and metric(told, "steps_not_converged") > 0
    gates = json.loads((tmp_path / "run" / "validation.json").read_text())["verdicts"]
    assert gates["every_step_converged"]["verdict"] == "fail"


def test_fields_and_files_for_other_programs(carry: Carry, tmp_path: Path) -> None:
    told, root = carry(
        own_models.plain(tmp_path / "own"),
        output={
            "fields": ["head", "watertable_depth", "recharge_flux"], "vtu": True, "geojson": True
        },
    )  # fmt: skip
    result = catalog.reopen(root)
    rain = result.fields["recharge_flux"][-1].reshape(own_models.RAIN.shape)
    # none is accepted where the head is fixed, in the last column
    assert rain[:, :-1] == pytest.approx(own_models.RAIN[:, :-1] / DAY) and not rain[:, -1].any()
    assert metric(told, "watertable_depth_max") == pytest.approx(
        metric(told, "watertable_depth_max_m")
    )
    assert (root / "results" / "cells.vtu").is_file()
    features = json.loads((root / "results" / "cells.geojson").read_text())["features"]
    assert len(features) == 48


@pytest.mark.parametrize("kept", ["inputs", "none"])
def test_solver_files_stay_as_far_as_is_asked(kept: str, carry: Carry, tmp_path: Path) -> None:
    _, root = carry(own_models.external(tmp_path / "own"), output={"keep_solver_files": kept})
    left = {path.relative_to(root / "mf6").as_posix() for path in (root / "mf6").rglob("*.*")}
    assert {"mfsim.lst", "flow.lst", "mf6.out"} <= left
    assert ("flow.npf" in left) == (kept == "inputs")
    assert "flow.hds" not in left and "flow.cbc" not in left


def test_measured_values_find_cells_and_packages(carry: Carry, tmp_path: Path) -> None:
    told, root = carry(
        own_models.plain(tmp_path / "own"),
        observation=[
            {"id": "p1", "quantity": "head", "x": 350.0, "y": 350.0, "layer": 2, "time": 31.0,
             "value": 40.0},
            {"id": "river", "quantity": "flow", "boundary": "riv_0", "time": 31.0, "value": 0.0},
        ],
    )  # fmt: skip
    theirs = heads(root / "mf6" / "flow.hds")[-1]
    found = told.metrics["observation_metrics.obs_p1_residual_m"]
    assert found == pytest.approx(theirs[1, 2, 3] - 40.0)
    river = metric(told, "budget_riv_rate_in_m3_s") - metric(told, "budget_riv_rate_out_m3_s")
    assert told.metrics["observation_metrics.obs_river_residual_m3_s"] == pytest.approx(river)
    assert (root / "results" / "observations.csv").is_file()


@pytest.mark.parametrize(
    ("make", "names"),
    [
        (own_models.plain, {"head_map.png", "budget.png", "budget_history.png"}),
        (own_models.joined, {"head_map_west.png", "head_map_east.png", "budget_west.png"}),
    ],
)
def test_pictures_are_drawn_of_every_model(
    make: Any, names: set[str], carry: Carry, tmp_path: Path
) -> None:
    told, root = carry(make(tmp_path / "own"), output={"figures": True})
    assert names <= {path.name for path in (root / "figures").iterdir()}
    assert (root / told.notes["output_figure"]).is_file()
