"""Every plan gate passes on a sound plan, and fails on a made case of its own."""

import copy
import shutil
from dataclasses import replace

import numpy as np
import pytest

from mhx.campaigns.folder import RunFolder
from mhx.campaigns.rutherford import plan_gates
from mhx.campaigns.rutherford.plan import Options, plan_production
from mhx.config import parse
from mhx.evidence.claims import ClaimLevel
from mhx.evidence.gates import Verdict, judge_all
from mhx.reconnection import equilibria
from mhx.reconnection.config import Reconnection

NAMES = (
    *("duration_guard_passed", "growth_rate_computed", "growth_rate_declared_matches_computed"),
    *("linear_mode_resolved_on_grid", "equilibrium_resolved", "equilibrium_exactly_periodic"),
    *("time_step_stable", "end_time_is_whole_steps", "production_resolution_floor"),
    *("saved_frame_floor", "checkpoint_cadence_defined", "walltime_chunking_defined"),
    *("checkpoint_index_initialized", "resume_contract_defined", "required_outputs_declared"),
    *("claim_level_not_completed_production", "resources_available"),
)


@pytest.fixture(scope="module")
def planned(tmp_path_factory):
    """A sound plan of the held double sheet, as small as its layer allows."""
    root = tmp_path_factory.mktemp("plan") / "run"
    answer = plan_production(
        Options(
            outdir=root,
            equilibrium="periodic_double_harris",
            eta=0.02,
            nu=0.02,
            nx=64,
            ny=16,
            min_production_resolution=8,
            seconds_per_step_estimate=1e-3,
        )
    )
    assert answer.exit_code == 0
    return RunFolder(root)


@pytest.fixture
def written(planned, tmp_path):
    root = tmp_path / "run"
    shutil.copytree(planned.root, root)
    found = plan_gates.read_back(RunFolder(root))
    return replace(
        found,
        plan=copy.deepcopy(found.plan),
        index=copy.deepcopy(found.index),
        job_array=copy.deepcopy(found.job_array),
    )


def verdicts(written):
    results = judge_all(plan_gates.gates(written.plan), plan_gates.measure(written))
    return {result.gate.name: result.verdict for result in results}


def test_a_sound_plan_passes_every_gate(written):
    assert verdicts(written) == dict.fromkeys(NAMES, Verdict.PASS)


def changed_config(written, *path, value):
    document = written.config.document()
    document["diagnostics"].pop("fit_time_window", None)
    table = document
    for name in path[:-1]:
        table = table[name]
    table[path[-1]] = value
    return replace(written, config=parse(Reconnection, document))


def with_plan(*path, value):
    def change(written):
        table = written.plan
        for name in path[:-1]:
            table = table[name]
        table[path[-1]] = value
        return written

    return change


def shorter_end(written):
    return changed_config(
        written, "time", "t1", value=written.config.time.t1 - 0.4 * written.config.dt
    )


def larger_step(written):
    return changed_config(written, "time", "dt", value=0.95 * written.config.time_step.dt_max)


def gap_in_the_chunks(written):
    written.job_array["jobs"][0]["start_step"] = 1
    return written


def no_chunks(written):
    written.job_array["jobs"].clear()
    return written


def chunk_beyond_its_walltime(written):
    written.plan["walltime_policy"]["usable_walltime_seconds"] = 0.5
    return written


def used_index(written):
    written.index["checkpoints"].append({"step": 1})
    return written


def index_of_another_plan(written):
    written.index["plan_digest"] = "0" * 64
    return written


def initial_state_without_record(written):
    written.folder.initial_state.write_bytes(b"left over")
    return written


def unwritten_output(written):
    written.plan["required_outputs"]["histories"].append("plasmoid_count")
    return written


def unknown_kind_of_output(written):
    written.plan["required_outputs"]["holograms"] = ["flux.holo"]
    return written


def claimed(written):
    return replace(
        written, manifest={**written.manifest, "claim_level": ClaimLevel.PRODUCTION.value}
    )


FAILING = {
    "too few steps": (with_plan("estimated_steps", value=10), "duration_guard_passed"),
    "no rate known": (
        with_plan("duration_assessment", "required_t_end", value=None),
        "duration_guard_passed",
    ),
    "eigenvalue moves on doubling": (
        with_plan("growth_rate", "change_on_doubling", value=1e-5),
        "growth_rate_computed",
    ),
    "eigenvector does not satisfy its equation": (
        with_plan("growth_rate", "residual", value=1e-9),
        "growth_rate_computed",
    ),
    "no residual stored": (
        with_plan("growth_rate", "residual", value=None),
        "growth_rate_computed",
    ),
    "declared rate is wrong": (
        with_plan("duration_assessment", "relative_mismatch", value=0.06),
        "growth_rate_declared_matches_computed",
    ),
    "layer is not resolved": (
        with_plan("growth_rate", "grid_gamma", value=0.5),
        "linear_mode_resolved_on_grid",
    ),
    "sheet is not resolved": (
        with_plan("growth_rate", "equilibrium_tail", value=1e-5),
        "equilibrium_resolved",
    ),
    "step is too large": (larger_step, "time_step_stable"),
    "end between two steps": (shorter_end, "end_time_is_whole_steps"),
    "end before the time that was asked for": (
        with_plan("parameters", "t_end", value=1e4),
        "end_time_is_whole_steps",
    ),
    "grid below the floor": (
        with_plan("thresholds", "min_production_resolution", value=17),
        "production_resolution_floor",
    ),
    "too few samples": (with_plan("estimated_saved_frames", value=99), "saved_frame_floor"),
    "cadence beyond the interval": (
        with_plan("checkpoint_every_steps", value=2_000_000),
        "checkpoint_cadence_defined",
    ),
    "a gap between chunks": (gap_in_the_chunks, "walltime_chunking_defined"),
    "no chunks": (no_chunks, "walltime_chunking_defined"),
    "a chunk beyond its walltime": (chunk_beyond_its_walltime, "walltime_chunking_defined"),
    "an index with records": (used_index, "checkpoint_index_initialized"),
    "an index of another plan": (index_of_another_plan, "checkpoint_index_initialized"),
    "something to resume from": (initial_state_without_record, "resume_contract_defined"),
    "an output that nobody writes": (unwritten_output, "required_outputs_declared"),
    "a kind of output that nobody writes": (unknown_kind_of_output, "required_outputs_declared"),
    "a manifest that claims": (claimed, "claim_level_not_completed_production"),
    "a plan that claims": (
        with_plan("claim_level", value=ClaimLevel.PRODUCTION.value),
        "claim_level_not_completed_production",
    ),
    "disk too small": (
        with_plan("resource_estimate", "disk_available_bytes", value=1),
        "resources_available",
    ),
    "memory too small": (
        with_plan("resource_estimate", "memory_available_bytes", value=1),
        "resources_available",
    ),
}


@pytest.mark.parametrize(("damage", "gate"), FAILING.values(), ids=FAILING)
def test_a_gate_that_must_not_pass(damage, gate, written):
    assert verdicts(damage(written))[gate] is not Verdict.PASS


def test_the_textbook_sheets_without_images_are_not_periodic(written, monkeypatch):
    def textbook(config, x, y):
        a, lx = config.parameters["width"], config.grid.lx
        up = np.log(np.cosh((x - lx / 4) / a))
        down = np.log(np.cosh((x - 3 * lx / 4) / a))
        return a * (up - down) - x + 0 * y

    row = replace(equilibria.EQUILIBRIA["periodic_double_harris"], psi=textbook)
    config = changed_config(written, "initial", "seed", value=1).config
    monkeypatch.setitem(config.__dict__, "equilibrium", row)
    found = verdicts(replace(written, config=config))
    assert found["equilibrium_exactly_periodic"] is Verdict.FAIL


def test_every_gate_has_a_failing_case():
    covered = {gate for _, gate in FAILING.values()} | {"equilibrium_exactly_periodic"}
    assert covered == set(NAMES)
