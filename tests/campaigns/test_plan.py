"""Counts, chunks, digest, and a plan read back."""

import copy
import json

import pytest

from mhx.campaigns.folder import RunFolder
from mhx.campaigns.plan import (
    DURATION,
    Plan,
    WalltimePolicy,
    counts,
    job_array,
    jobs,
    of_duration,
    plan_digest,
    read_plan,
    samples,
    steps_to,
    stride,
)
from mhx.errors import ConfigError, EvidenceError
from mhx.evidence import schemas

POLICY = WalltimePolicy(seconds_per_step_estimate=0.5)
CONFIG = {
    "name": "n",
    "output_dir": "somewhere",
    "mesh": {"shape": [8, 8]},
    "time": {"t0": 0.0, "t1": 10.0, "dt": 0.1, "save_every": 1},
    "physics": {"resistivity": 1e-3},
    "initial": {"seed": 0},
    "numerics": {"dtype": "float64"},
    "diagnostics": {},
}


def plan_of(steps: int = 100) -> dict:
    document = {
        "schema": schemas.CAMPAIGN_PLAN,
        "config": copy.deepcopy(CONFIG),
        "duration_assessment": {
            "required_efolds": 10.0,
            "safety_factor": 3.0,
            "growth_rate_declared": None,
        },
        "thresholds": {"max_divergence_linf": 1e-9},
        "time_step": {"dt": 0.1},
        "walltime_policy": POLICY.document(steps),
        "waivers": [],
        "failed_gates": [],
        **counts(steps, 1, POLICY),
    }
    return {**document, "plan_digest": plan_digest(document)}


STEPS = {
    "whole": ((10.0, 0.1), 100),
    "a rest below 1e-9 of a step is round-off": ((10.0 + 5e-11, 0.1), 100),
    "a rest above it is a step": ((10.0 + 1e-9, 0.1), 101),
    "less than a step": ((0.01, 0.1), 1),
}


@pytest.mark.parametrize(("given", "expected"), STEPS.values(), ids=STEPS)
def test_steps(given, expected):
    assert steps_to(*given) == expected


def test_stride_and_samples():
    assert stride(12000, 121) == 99
    assert stride(5, 400) == 1
    assert samples(100, 10) == 11
    assert samples(101, 10) == 12  # the last step is a sample, too


CADENCES = {
    "by the interval": ((100_000, 0.5), 3600),
    "at least eight in a run": ((800, 0.5), 100),
    "eight of a run that does not divide": ((801, 0.5), 101),
    "a short run": ((3, 0.5), 1),
    "a step longer than the interval": ((100, 4000.0), 1),
}


@pytest.mark.parametrize(("given", "expected"), CADENCES.values(), ids=CADENCES)
def test_checkpoint_cadence(given, expected):
    steps, cost = given
    assert WalltimePolicy(seconds_per_step_estimate=cost).checkpoint_every_steps(steps) == expected


def test_jobs_fill_the_usable_walltime():
    policy = WalltimePolicy(seconds_per_step_estimate=0.5)
    assert policy.usable_walltime_seconds == 12 * 3600 - 20 * 60
    found = counts(200_000, 100, policy)
    assert found["steps_per_walltime_job"] == 84_000
    assert found["estimated_walltime_jobs"] == 3
    assert found["estimated_walltime_seconds"] == 100_000.0


BAD_POLICIES = {
    "no cost": {"seconds_per_step_estimate": 0.0},
    "no walltime": {"seconds_per_step_estimate": 1.0, "max_walltime_hours": -1.0},
    "nothing but margin": {"seconds_per_step_estimate": 1.0, "preemption_margin_minutes": 720.0},
    "no interval": {"seconds_per_step_estimate": 1.0, "checkpoint_interval_minutes": 0.0},
}


@pytest.mark.parametrize("given", BAD_POLICIES.values(), ids=BAD_POLICIES)
def test_a_policy_must_leave_time(given):
    with pytest.raises(ValueError, match=r"must"):
        WalltimePolicy(**given)


@pytest.mark.parametrize(("start", "expected"), [(0, [40, 80, 100]), (90, [100]), (100, [])])
def test_chunks_cover_what_is_left_once(start, expected):
    rows = jobs(target_step=100, steps_per_job=40, checkpoint_every_steps=10, start_step=start)
    assert [row["end_step"] for row in rows] == expected
    reached = start
    for index, row in enumerate(rows):
        assert row["start_step"] == reached
        assert row["depends_on"] == ([index - 1] if index else [])
        assert f"--max-steps {row['end_step'] - row['start_step']}" in row["execute_command"]
        assert (
            row["expected_terminal_checkpoint"] == f"checkpoints/step_{row['end_step']:012d}.json"
        )
        reached = row["end_step"]


def test_the_job_array_says_what_it_is():
    array = job_array(plan_of())
    assert array["schema"] == "mhx.campaign.rutherford_walltime_job_array.v1"
    assert array["total_steps"] == 100


IDENTITY = {
    "resistivity": ("config", "physics", "resistivity"),
    "grid": ("config", "mesh", "shape"),
    "seed": ("config", "initial", "seed"),
    "stride": ("config", "time", "save_every"),
    "precision": ("config", "numerics", "dtype"),
    "a threshold": ("thresholds", "max_divergence_linf"),
    "target": ("estimated_steps",),
    "e-folds": ("duration_assessment", "required_efolds"),
}
CIRCUMSTANCE = {
    "name": ("config", "name"),
    "folder": ("config", "output_dir"),
    "cost of a step": ("walltime_policy", "seconds_per_step_estimate"),
    "cadence": ("checkpoint_every_steps",),
    "chunks": ("steps_per_walltime_job",),
}


def _changed(path: tuple[str, ...]) -> dict:
    document = plan_of()
    *tables, key = path
    table = document
    for name in tables:
        table = table[name]
    table[key] = "changed"
    return document


@pytest.mark.parametrize("path", IDENTITY.values(), ids=IDENTITY)
def test_the_digest_covers_what_decides_the_run(path):
    assert plan_digest(_changed(path)) != plan_of()["plan_digest"]


@pytest.mark.parametrize("path", CIRCUMSTANCE.values(), ids=CIRCUMSTANCE)
def test_the_digest_leaves_out_circumstance(path):
    assert plan_digest(_changed(path)) == plan_of()["plan_digest"]


def _write(root, document) -> RunFolder:
    folder = RunFolder(root)
    root.mkdir(parents=True, exist_ok=True)
    folder.plan.write_text(json.dumps(document))
    return folder


def test_a_plan_is_read_back(tmp_path):
    plan = read_plan(_write(tmp_path, plan_of()))
    assert (plan.target_step, plan.dt, plan.save_every, plan.target_time) == (100, 0.1, 1, 10.0)
    assert plan.policy == POLICY
    assert plan.waivers == []


def test_a_looser_bound_is_a_waiver_even_where_none_is_listed():
    document = plan_of()
    document["thresholds"]["max_divergence_linf"] = 1e-3
    (waiver,) = Plan(document).waivers
    assert waiver.gate == "magnetic_divergence_within_tolerance"


def test_single_precision_is_a_waiver():
    document = plan_of()
    document["config"]["numerics"]["dtype"] = "float32"
    (waiver,) = Plan(document).waivers
    assert (waiver.gate, waiver.production_bound, waiver.used_bound) == ("precision", 64, 32)


@pytest.mark.parametrize("path", IDENTITY.values(), ids=IDENTITY)
def test_an_altered_plan_is_refused(path, tmp_path):
    with pytest.raises(EvidenceError, match=r"campaign_plan\.json was altered"):
        read_plan(_write(tmp_path, _changed(path)))


@pytest.mark.parametrize(
    ("name", "value", "needed"),
    [("required_efolds", 9.0, 10.0), ("safety_factor", 1.0, 3.0), ("safety_factor", "3", 3.0)],
)
def test_a_shorter_duration_than_a_claim_needs_is_a_waiver(name, value, needed):
    """Nine e-folds instead of ten are a plan, and no plan for a claim; more are no waiver."""
    stated = DURATION | {name: value}
    (waiver,) = of_duration(stated)
    assert (waiver.gate, waiver.production_bound) == ("duration_guard_passed", needed)
    assert waiver.used_bound == (value if isinstance(value, float) else 0.0)
    assert of_duration(DURATION | {"required_efolds": 20.0}) == []


@pytest.mark.parametrize("key", ["config", "thresholds", "plan_digest", "time_step", "waivers"])
def test_a_plan_without_a_key_is_refused(key, tmp_path):
    document = plan_of()
    del document[key]
    with pytest.raises(EvidenceError, match=r"campaign_plan\.json was altered"):
        read_plan(_write(tmp_path, document))


def test_refusals_of_folders(tmp_path):
    with pytest.raises(ConfigError, match="is no directory"):
        read_plan(RunFolder(tmp_path / "absent"))
    with pytest.raises(ConfigError, match="plan first"):
        read_plan(RunFolder(tmp_path))
    (tmp_path / "plan_manifest.json").write_text("{}")
    with pytest.raises(EvidenceError, match="is missing"):
        read_plan(RunFolder(tmp_path))


@pytest.mark.parametrize("schema", ["mhx.campaign.rutherford_production_plan.v2", "other", None])
def test_another_schema_is_refused(schema, tmp_path):
    with pytest.raises(EvidenceError, match="schema"):
        read_plan(_write(tmp_path, {**plan_of(), "schema": schema}))
