"""A whole run with transport: its folder, its words, and what it shares with other runs."""

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mhx.groundwater import memory, placing, simulation
from mhx.groundwater.transport import gwt
from mhx.groundwater.vocabulary import VOCABULARY
from mhx.runner import RunRequest, RunSummary

from .columns import column

TWENTY = {"length": 100.0, "steps": 20}


@pytest.fixture(autouse=True)
def _fresh() -> Iterator[None]:
    memory.forget()
    placing.forget()
    yield
    memory.forget()
    placing.forget()


def case(**transport: Any) -> dict[str, Any]:
    made = column(cells=20, rows=3, observation=[{"id": "p", "x": 42.0, "y": 7.0}], **transport)
    made["flow"]["source"] = [
        {"id": "rain", "package": "rcha", "where": {"cells": [25]}, "rate": 1e-10}
    ]
    made["flow"]["accept"] = {"allow_flooding": True}  # confined, with the ground at 0
    return made


def ran(folder: Path, made: dict[str, Any]) -> RunSummary:
    return simulation.run(RunRequest(config=made, output_dir=folder))


def verdicts(folder: Path) -> dict[str, str]:
    found = json.loads((folder / "validation.json").read_text())["verdicts"]
    return {name: stored["verdict"] for name, stored in found.items()}


def test_a_run_leaves_flow_and_transport_and_names_every_file(mf6: Path, tmp_path: Path) -> None:
    summary = ran(tmp_path, case(time=TWENTY))
    there = {p.relative_to(tmp_path).as_posix() for p in tmp_path.rglob("*") if p.is_file()}
    assert there == set(summary.artifacts)
    assert {
        "mf6/flow.cbc", "mf6/solute.ucn", "results/catalog.json", "results/heads.npz",
        "results/concentration.npz", "results/solute_budget.csv", "results/solute_steps.csv",
        "results/breakthrough.csv",
    } <= there  # fmt: skip
    catalog = json.loads((tmp_path / "results" / "catalog.json").read_text())
    assert catalog["fields"][-1] == {
        "name": "concentration", "unit": "kg/m3", "meaning": "concentration in the water",
        "shape": [20, 1, 60], "file": "concentration.npz",
    }  # fmt: skip
    assert summary.notes["transport.zero_inflow"] == (
        "west, rain: carry no solute in, since none is declared (concentration)"
    )
    assert summary.notes["transport.steps"] == "20 time steps"
    assert summary.notes["flow.formulation"] == "standard, confined"
    assert set(verdicts(tmp_path).values()) == {"pass"}


def test_every_metric_is_a_word_of_the_vocabulary(mf6: Path, tmp_path: Path) -> None:
    found = ran(tmp_path, case(time=TWENTY)).metrics
    assert [name for name in found if VOCABULARY.find(name) is None] == []
    assert found["transport_metrics.closure_relative"] < 1e-8
    assert found["transport_metrics.n_timesteps"] == found["flow_metrics.steps_total"] == 20
    assert found["flow_metrics.n_timesteps"] == 1, "a steady flow is saved once"


@pytest.mark.slow
def test_water_and_solute_have_balances_of_their_own(mf6: Path, tmp_path: Path) -> None:
    """The flow of a run with transport is that of a run without."""
    both = ran(tmp_path / "both", case()).metrics
    made = case()
    made["simulation"]["process"][2]["enabled"] = False
    alone = ran(tmp_path / "alone", made).metrics
    skipped = ("duration_s", "_total", "_mean_", "_volume_", "mass_balance_rows")
    for name, value in alone.items():
        if name.startswith("flow_metrics.") and not any(word in name for word in skipped):
            assert both[name] == pytest.approx(value, rel=1e-9, abs=1e-9, nan_ok=True), name
    assert not any(name.startswith("transport_metrics.") for name in alone)


@pytest.mark.slow
def test_cases_that_differ_in_transport_share_flow(
    mf6: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its files are links, it is solved alone once, and a run after another is the run alone."""
    solved = []
    alone = gwt._alone
    monkeypatch.setattr(gwt, "_alone", lambda *words: solved.append(1) or alone(*words))
    for at, alpha in enumerate((1.0, 2.0, 3.0)):
        ran(tmp_path / str(at), case(param={"porosity": 0.25, "alpha_l": alpha}))
    assert solved == [1]
    one, two = tmp_path / "0" / "mf6", tmp_path / "2" / "mf6"
    for name in ("flow.dis", "solute.dis", "flow.chd_west.chd", "solute.mst"):
        assert (one / name).samefile(two / name)
    for name in ("solute.dsp", "solute.ucn", "flow.cbc", "solute.lst", "solute.budget.csv"):
        assert not (one / name).samefile(two / name)
    memory.forget()
    placing.forget()
    ran(tmp_path / "fresh", case(param={"porosity": 0.25, "alpha_l": 3.0}))
    for name in ("solute.ucn", "solute.budget.csv", "flow.hds"):
        assert (two / name).read_bytes() == (tmp_path / "fresh" / "mf6" / name).read_bytes()


@pytest.mark.slow
def test_a_run_says_which_gate_of_the_solute_did_not_pass(mf6: Path, tmp_path: Path) -> None:
    """Central without dispersion at a sharp front, in small steps: it swings."""
    made = case(
        param={"porosity": 0.25},
        scheme={"advection": "central"},
        time={"length": 60.0, "courant": 0.1},
    )
    summary = ran(tmp_path, made)
    assert summary.metrics["transport_metrics.overshoot"] > 0.01
    failed = {name for name, verdict in verdicts(tmp_path).items() if verdict == "fail"}
    assert "no_concentration_above_its_sources" in failed
    made["transport"]["scheme"]["advection"] = "upstream"
    ran(tmp_path / "upstream", made)
    assert set(verdicts(tmp_path / "upstream").values()) == {"pass"}


@pytest.mark.slow
@pytest.mark.parametrize(("kept", "there"), [("inputs", True), ("none", False)])
def test_solver_files_go_when_asked_to(kept: str, there: bool, mf6: Path, tmp_path: Path) -> None:
    made = case()
    made["output"]["keep_solver_files"] = kept
    ran(tmp_path, made)
    names = {path.name for path in (tmp_path / "mf6").iterdir()}
    assert {"mfsim.lst", "flow.lst", "solute.lst", "mf6.out"} <= names
    assert not {"flow.cbc", "solute.ucn", "solute.budget.csv"} & names
    assert ("solute.mst" in names) is there


@pytest.mark.slow
def test_the_identity_holds_what_transport_is_made_of(mf6: Path, tmp_path: Path) -> None:
    ids = []
    for at, alpha in enumerate((1.0, 1.0, 2.0)):
        made = case(param={"porosity": 0.25, "alpha_l": alpha})
        ids.append(ran(tmp_path / str(at), made).notes["sim_id"])
    assert ids[0] == ids[1] != ids[2]


@pytest.mark.slow
def test_concentrations_go_to_other_programs_and_plants_are_named(
    mf6: Path, tmp_path: Path
) -> None:
    made = case(time=TWENTY)
    made["output"] |= {"geojson": True, "vtu": True}
    made["flow"]["source"].append(
        {"id": "plants", "package": "evt", "where": {"cells": [30]}, "rate": 1e-9, "depth": 500.0}
    )
    summary = ran(tmp_path, made)
    features = json.loads((tmp_path / "results" / "cells.geojson").read_text())["features"]
    with np.load(tmp_path / "results" / "concentration.npz") as stored:
        last = stored["concentration"][-1, 0].tolist()
    assert [one["properties"]["concentration_kg_m3"] for one in features] == last
    assert 'Name="concentration_kg_m3"' in (tmp_path / "results" / "cells.vtu").read_text()
    told = summary.notes["transport.evapotranspiration"]
    assert told.startswith("plants: takes solute along as the cell has it")


@pytest.mark.slow
def test_figures_are_drawn_beside_those_of_flow(mf6: Path, tmp_path: Path) -> None:
    made = copy.deepcopy(case())
    made["output"]["figures"] = True
    summary = ran(tmp_path, made)
    assert {"figures/concentration_maps.png", "figures/breakthrough.png",
            "figures/concentration.gif"} <= set(summary.artifacts)  # fmt: skip


def draining(sy: float) -> dict[str, Any]:
    """An unconfined strip whose western head rises at once; what it brings carries 1 kg/m3."""
    made = case(time={"courant": 0.5}, ic={"value": 0.5})
    made["transport"]["bc"] = []
    made["topography"]["base_elevation"] = 10.0
    made["layers"]["thickness"] = 10.0
    flow = made["flow"]
    flow |= {
        "regime": "transient", "ic": {"kind": "constant", "value": 2.5},
        "formulation": {"newton": True, "xt3d": False},
        "time": {"period": [{"length": 40.0}, {"length": 60.0, "steps": 5, "multiplier": 1.3}]},
    }  # fmt: skip
    flow["param"] |= {"Ss": {"value": 0.0}, "Sy": {"value": sy}}
    flow["bc"][0] |= {"head": 6.0, "concentration": 1.0}
    flow["bc"][1]["head"] = 2.0
    return made


@pytest.mark.slow
@pytest.mark.parametrize(("sy", "noted"), [(0.25, False), (0.1, True)])
def test_with_transient_flow_storage_that_is_not_porosity_is_told(
    sy: float, noted: bool, mf6: Path, tmp_path: Path
) -> None:
    """Where Sy is the porosity concentrations show what the budget says; the solver closes both."""
    summary = ran(tmp_path, draining(sy))
    assert ("transport.storage" in summary.notes) is noted
    assert summary.metrics["transport_metrics.closure_relative"] < 1e-8
    assert summary.metrics["transport_metrics.courant_max"] <= 0.5, "steps were split until it was"
    assert set(verdicts(tmp_path).values()) == {"pass"}


@pytest.mark.slow
def test_a_concentration_that_is_held_and_changes_is_outside_of_the_balance(
    mf6: Path, tmp_path: Path
) -> None:
    """What a held cell takes in when its value steps up is in no budget of MODFLOW."""
    (tmp_path / "held.csv").write_text("c\n1.0\n3.0\n")
    made = draining(0.25)
    made["transport"]["bc"] = [
        {"id": "spill", "package": "cnc", "where": {"cells": [5]},
         "value": {"file": str(tmp_path / "held.csv"), "column": "c"}}
    ]  # fmt: skip
    found = ran(tmp_path / "run", made)
    assert found.metrics["transport_metrics.c_max"] == 3.0
    assert found.metrics["transport_metrics.closure_relative"] < 1e-8
    assert "transport.storage" not in found.notes


@pytest.mark.slow
def test_the_flow_below_transport_is_checked_against_flopy_too(
    mf6: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mhx.groundwater import mf6_flow

    checked = []
    check = mf6_flow.self_check
    monkeypatch.setattr(mf6_flow, "self_check", lambda *words: checked.append(check(*words)))
    monkeypatch.setattr(simulation, "identity_of", lambda *_: "0" * 13 + "064")  # 100
    ran(tmp_path, case(time=TWENTY))
    assert checked == [None]
