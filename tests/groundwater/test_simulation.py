"""A whole run: its folder, its verdicts, and that running many is running each alone."""

import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mhx.config import parse
from mhx.errors import ConfigError, EngineMissing, SolverError
from mhx.evidence.hashing import file_digest
from mhx.groundwater import engines, memory, mf6_flow, placing, simulation
from mhx.groundwater.config import Simulation
from mhx.runner import RunRequest, RunSummary

from .models import chd, document

RAIN = {"id": "rain", "package": "rcha", "where": {"all": True}, "rate": 1e-8}


@pytest.fixture(autouse=True)
def _fresh() -> Iterator[None]:
    memory.forget()
    placing.forget()
    yield
    memory.forget()
    placing.forget()


def configuration(output: dict[str, Any] | None = None, **changes: Any) -> dict[str, Any]:
    found = document(**{"source": [RAIN]} | changes)
    return found | {"output": {"figures": False} | (output or {})}


def ran(folder: Path, **changes: Any) -> RunSummary:
    return simulation.run(RunRequest(config=configuration(**changes), output_dir=folder))


def verdicts(folder: Path) -> dict[str, str]:
    found = json.loads((folder / "validation.json").read_text())["verdicts"]
    return {name: stored["verdict"] for name, stored in found.items()}


def files(folder: Path) -> dict[str, str]:
    """Digests of what identity may hold: no listing carries a time in it."""
    skipped = {"mf6.out", "mfsim.lst", "flow.lst", "catalog.json", "validation.json"}
    return {
        path.relative_to(folder).as_posix(): file_digest(path)
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name not in skipped
    }


def test_a_run_leaves_its_folder_and_names_every_file(mf6: Path, tmp_path: Path) -> None:
    summary = ran(tmp_path, output={"vtu": True, "geojson": True})
    there = {p.relative_to(tmp_path).as_posix() for p in tmp_path.rglob("*") if p.is_file()}
    assert there == set(summary.artifacts)
    assert {
        "mesh/vertices.csv", "mesh/cells.csv", "mesh/mesh_summary.json", "mf6/mfsim.nam",
        "mf6/mfsim.lst", "mf6/mf6.out", "results/catalog.json", "results/heads.npz",
        "results/budget.csv", "results/steps.csv", "results/cells.vtu", "results/cells.geojson",
        "validation.json",
    } <= there  # fmt: skip
    assert summary.notes["catalog"] in there and summary.notes["output_mesh"] in there
    assert summary.notes["flow.formulation"] == "standard, convertible"
    assert summary.notes["flow.solver_version"].startswith("MODFLOW 6 ")
    assert {"flow_metrics.head_range_m", "mesh_metrics.n_cells"} <= summary.metrics.keys()


def test_every_metric_is_a_word_of_the_vocabulary(mf6: Path, tmp_path: Path) -> None:
    from mhx.groundwater.vocabulary import VOCABULARY

    names = ran(tmp_path).metrics
    assert [name for name in names if VOCABULARY.find(name) is None] == []


def test_a_mesh_alone_needs_no_executable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MHX_MF6", str(tmp_path / "none"))
    data = configuration()
    data["simulation"]["process"][1]["enabled"] = False
    summary = simulation.run(RunRequest(config=data, output_dir=tmp_path / "run"))
    assert not (tmp_path / "run" / "mf6").exists()
    assert all(name.startswith("mesh_metrics.") for name in summary.metrics)


def test_a_missing_executable_is_told_before_anything_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MHX_MF6", str(tmp_path / "none"))
    with pytest.raises(EngineMissing):
        ran(tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_steady_state_without_any_head_is_refused(mf6: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="without one a steady state has no definite head"):
        ran(tmp_path, bc=[])


def test_equal_runs_leave_equal_files(mf6: Path, tmp_path: Path) -> None:
    summaries = []
    for name in ("one", "two"):
        memory.forget()
        placing.forget()
        summaries.append(ran(tmp_path / name))
    assert files(tmp_path / "one") == files(tmp_path / "two")
    assert summaries[0].notes["sim_id"] == summaries[1].notes["sim_id"]


def test_a_run_after_another_is_the_run_alone(mf6: Path, tmp_path: Path) -> None:
    """What a process remembers may make a run faster, never another."""
    for k in (1e-4, 3e-4, 1e-4, 2e-4):
        ran(tmp_path / "one after another" / str(k), param={"K": {"value": k}})
    memory.forget()
    placing.forget()
    ran(tmp_path / "alone", param={"K": {"value": 2e-4}})
    assert files(tmp_path / "one after another" / "0.0002") == files(tmp_path / "alone")


def test_inputs_are_shared_and_outputs_never(mf6: Path, tmp_path: Path) -> None:
    ran(tmp_path / "1")
    before = files(tmp_path / "1")
    ran(tmp_path / "2", param={"K": {"value": 5e-4}})
    assert files(tmp_path / "1") == before, "a later run must not change an earlier one"

    def same(name: str) -> bool:
        return os.path.samefile(tmp_path / "1" / name, tmp_path / "2" / name)

    assert same("mf6/flow.disv") and same("mesh/cells.csv") and same("mf6/flow.chd_east.chd")
    assert not any(
        same(f"mf6/{name}") for name in ("flow.npf", "flow.hds", "flow.cbc", "flow.lst", "mf6.out")
    )


def test_a_run_over_links_to_other_evidence_leaves_that_as_it_is(mf6: Path, tmp_path: Path) -> None:
    """MODFLOW opens its outputs with truncation: a link must be gone before it does."""
    ran(tmp_path / "evidence", solver__mf6={"write_grb": True})
    before = files(tmp_path / "evidence"), (tmp_path / "evidence/mf6/flow.lst").read_bytes()
    shutil.copytree(tmp_path / "evidence", tmp_path / "again", copy_function=os.link)
    ran(tmp_path / "again", solver__mf6={"write_grb": True}, param={"K": {"value": 7e-4}})
    assert before == (
        files(tmp_path / "evidence"),
        (tmp_path / "evidence/mf6/flow.lst").read_bytes(),
    )
    for name in ("flow.hds", "flow.cbc", "flow.disv.grb", "flow.lst", "mfsim.lst", "mf6.out"):
        assert not os.path.samefile(tmp_path / "evidence/mf6" / name, tmp_path / "again/mf6" / name)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"param": {"K": {"value": 2e-4}}}, False),
        ({"solver__mf6__outer_dvclose": 1e-8}, False),
        ({"solver__mf6__timeout_s": 60.0}, True),
        ({"output": {"geojson": True}}, True),
    ],
)
def test_the_identity_of_a_result_is_what_it_was_computed_from(
    change: dict[str, Any], told: bool, mf6: Path, tmp_path: Path
) -> None:
    one, two = ran(tmp_path / "1"), ran(tmp_path / "2", **change)
    assert (one.notes["sim_id"] == two.notes["sim_id"]) is told


def test_the_identity_follows_a_file_not_its_place(mf6: Path, tmp_path: Path) -> None:
    ids = []
    for name, last in (("a", "1e-4"), ("b", "1e-4"), ("c", "2e-4")):
        path = tmp_path / f"{name}.csv"
        path.write_text("\n".join(["value", *["1e-4"] * 39, last]))
        config = parse(Simulation, configuration(param={"K": {"file": str(path)}}))
        ids.append(simulation.identity_of(config, {"mf6": engines.find("mf6", mf6)}))
    assert ids[0] == ids[1] != ids[2]


@pytest.mark.parametrize(
    ("kept", "there"), [("inputs", {"flow.disv", "flow.lst"}), ("none", {"flow.lst"})]
)
def test_solver_files_go_when_asked_to(
    kept: str, there: set[str], mf6: Path, tmp_path: Path
) -> None:
    summary = ran(tmp_path, output={"keep_solver_files": kept})
    names = {path.name for path in (tmp_path / "mf6").iterdir()}
    assert {"mfsim.lst", "mf6.out"} | there <= names
    assert not {"flow.hds", "flow.cbc"} & names
    assert ("flow.disv" in names) is (kept == "inputs")
    assert {f"mf6/{name}" for name in names} <= set(summary.artifacts)


def test_recharge_lost_on_fixed_cells_fails_its_gate(mf6: Path, tmp_path: Path) -> None:
    """Five of forty cells are fixed: MODFLOW drops their recharge, and its balance closes."""
    summary = ran(tmp_path)
    assert summary.metrics["flow_metrics.recharge_accepted_fraction"] == pytest.approx(35 / 40)
    assert summary.metrics["flow_metrics.max_abs_mass_balance_percent_error"] == 0
    found = verdicts(tmp_path)
    assert found["recharge_is_accepted"] == "fail" and found["every_step_converged"] == "pass"


def test_a_strip_without_recharge_obeys_darcy(mf6: Path, tmp_path: Path) -> None:
    """Confined, two fixed heads: Q = K b W dh/L with L between the centres of the end cells."""
    ends = [chd(head=100.0), chd(id="west", where={"side": "west"}, head=103.5)]
    confined = {"newton": False, "xt3d": False, "cell_type": "confined"}
    summary = ran(tmp_path, bc=ends, source=[], formulation=confined)
    expected = 1e-4 * 20 * 500 * 3.5 / 700
    assert summary.metrics["flow_metrics.budget_west_rate_in_m3_s"] == pytest.approx(expected)
    assert verdicts(tmp_path)["no_head_above_its_boundaries"] == "pass"


def test_the_self_check_is_made_of_the_runs_that_identity_chooses(
    mf6: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checked = []
    monkeypatch.setattr(mf6_flow, "self_check", lambda *_: checked.append(1))
    monkeypatch.setattr(simulation, "identity_of", lambda *_: "0" * 13 + "064")  # 100
    ran(tmp_path / "1")
    monkeypatch.setattr(simulation, "identity_of", lambda *_: "0" * 13 + "065")
    ran(tmp_path / "2")
    assert len(checked) == 1


@pytest.mark.slow
def test_the_self_check_refuses_heads_that_flopy_does_not_get(mf6: Path, tmp_path: Path) -> None:
    from mhx.groundwater import flow, writer
    from mhx.groundwater.mf6 import run_mf6
    from mhx.groundwater.results import read_results

    config = parse(Simulation, configuration())
    ground = simulation._ground(config)
    model = flow.assemble(config, ground.grid, ground.terrain, ground.key)
    placing.place(tmp_path, writer.write(model))
    result = read_results(model, run_mf6(mf6, tmp_path), tmp_path)
    mf6_flow.self_check(model, mf6, result, None)
    wrong = {"k": model.properties["k"] * 1.001}
    with pytest.raises(SolverError, match=r"self-check: heads differ by .* flopy \(bound 1e-07 m"):
        mf6_flow.self_check(replace(model, properties=wrong), mf6, result, None)
    dry = replace(result, heads=np.where(result.heads > 101, np.nan, result.heads))
    with pytest.raises(SolverError, match="has other dry cells"):
        mf6_flow.self_check(model, mf6, dry, None)


def test_a_selector_that_finds_no_cell_is_wrong_input(mf6: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"flow\.bc\[0\]\.where"):
        ran(tmp_path, bc=[chd(where={"points": [[-50.0, 0.0]]})])


def test_a_folder_where_a_file_is_needed_is_wrong_input(mf6: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=f"{tmp_path} cannot be read: Is a directory"):
        ran(tmp_path / "run", param={"K": {"file": str(tmp_path)}})


def test_fields_for_other_programs_hold_the_heads(mf6: Path, tmp_path: Path) -> None:
    ran(tmp_path, output={"vtu": True, "geojson": True})
    with np.load(tmp_path / "results" / "heads.npz") as stored:
        heads = stored["head"][-1, 0]
    features = json.loads((tmp_path / "results" / "cells.geojson").read_text())["features"]
    assert [f["properties"]["head_m"] for f in features] == heads.tolist()
    import xml.etree.ElementTree as tree

    arrays = {
        a.get("Name"): a for a in tree.parse(tmp_path / "results/cells.vtu").iter("DataArray")
    }
    assert [float(word) for word in (arrays["head_m"].text or "").split()] == heads.tolist()
    assert len((arrays["types"].text or "").split()) == 40
