"""Whatever is altered, missing or added is named; what only looks right is contradicted."""

import ast
import io
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mhx.errors import ConfigError
from mhx.evidence import checkpoints, claims, hashing, manifest, store, verify
from mhx.evidence.gates import Gate, judge, validation_document
from mhx.evidence.syncing import unsynced

JSON_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)
FINITE = st.floats(allow_nan=False, allow_infinity=False)
LEVEL = claims.ClaimLevel
LEFT_OUT = {"resume_plan.json", "log.txt"}


@pytest.fixture(autouse=True, scope="module")
def _unsynced():
    """Nobody pulls the plug here."""
    with unsynced():
        yield


def faults(root: Path) -> set[tuple[str, str]]:
    return {(fault.kind, fault.path) for fault in verify.verify(root).problems}


def named(root: Path) -> set[str]:
    return {fault.path for fault in verify.verify(root).problems}


@pytest.mark.parametrize("folder", ["planned", "executed", "claimed"])
def test_a_folder_as_it_was_written_has_no_fault(folder, request):
    assert verify.verify(request.getfixturevalue(folder)).problems == []


def test_levels_are_those_stated_while_the_files_hold(planned, build, tmp_path):
    assert verify.verify(planned).effective_level == "production_template"
    run = build.run(tmp_path / "other")
    assert verify.verify(run).effective_level == "validation"
    assert verify.verify(build.promotion(run)).effective_level == claims.ClaimLevel.PRODUCTION.value


@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_any_single_altered_byte_of_any_file_is_found(lasting, data):
    files = sorted(
        path for path in lasting.rglob("*") if path.is_file() and path.name not in LEFT_OUT
    )
    path = data.draw(st.sampled_from(files))
    content = path.read_bytes()
    place = data.draw(st.integers(0, len(content) - 1))
    mask = data.draw(st.integers(1, 255))
    bent = bytearray(content)
    bent[place] ^= mask
    path.write_bytes(bent)
    try:
        report = verify.verify(lasting)
    finally:
        path.write_bytes(content)
    assert path.relative_to(lasting).as_posix() in {fault.path for fault in report.problems}
    assert report.exit_code == 4
    assert report.effective_level == "unspecified"


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", ["claim_ledger.jsonl", "commands.jsonl", "manifest.json", "artifact_manifest.json"]
)
def test_every_byte_of_manifests_and_journals_is_bound(lasting, name):
    path = lasting / name
    content = path.read_bytes()
    unseen = []
    for place in range(len(content)):
        for mask in (1, 7) if content[place] == 10 else (1,):  # 7: line feed to carriage return
            bent = bytearray(content)
            bent[place] ^= mask
            path.write_bytes(bent)
            if name not in named(lasting):
                unseen.append((place, mask))
    path.write_bytes(content)
    assert unseen == []


def test_every_missing_file_is_named(lasting):
    listed = [
        path.relative_to(lasting).as_posix()
        for path in sorted(lasting.rglob("*"))
        if path.is_file() and path.name not in LEFT_OUT
    ]
    for name in listed:
        content = (lasting / name).read_bytes()
        (lasting / name).unlink()
        found = faults(lasting)
        (lasting / name).write_bytes(content)
        assert ("missing", name) in found, name


@pytest.mark.parametrize("name", ["extra.txt", "checkpoints/more.npz", "promotion/note.md"])
def test_every_unexpected_file_is_named(claimed, name):
    (claimed / name).write_text("added")
    assert faults(claimed) == {("unexpected", name)}


def test_an_unexpected_file_in_a_fresh_plan_is_named(planned):
    (planned / "checkpoints/state_step_000000000001.npz").write_text("added")
    assert faults(planned) == {("unexpected", "checkpoints/state_step_000000000001.npz")}


def test_what_may_be_made_again_is_listed_as_derived(executed):
    (executed / "report.html").write_text("<html>")
    (executed / "resume_plan.json").write_text("{}")
    report = verify.verify(executed)
    assert report.problems == []
    assert report.derived == ["report.html", "resume_plan.json"]


def test_a_draft_of_a_killed_writer_is_told_and_is_no_fault(executed):
    (executed / ".validation.json.4711-0.part").write_text("{")
    report = verify.verify(executed)
    assert report.problems == []
    assert report.notes == [".validation.json.4711-0.part is what a killed writer left; delete it"]


def test_locks_attempts_quarantine_and_superseded_runs_are_left_out(executed):
    for name in (".lock", ".lock.json", "checkpoints/quarantine/x.npz", "superseded/a/b.json"):
        store.write_text(executed / name, "{}")
    assert verify.verify(executed).problems == []


def test_a_folder_is_judged_wherever_it_was_moved(claimed, tmp_path):
    moved = tmp_path / "elsewhere" / "copy"
    shutil.copytree(claimed, moved)
    assert verify.verify(moved).problems == []


def test_a_link_that_leaves_the_folder_is_refused_by_name(executed, tmp_path):
    target = tmp_path / "outside.npz"
    path = executed / "production_history.npz"
    path.rename(target)
    path.symlink_to(target)
    assert ("refused", "production_history.npz") in faults(executed)


def test_a_linked_folder_outside_is_refused_by_name(executed, tmp_path):
    outside = tmp_path / "figures"
    (executed / "figures").rename(outside)
    (executed / "figures").symlink_to(outside)
    assert ("refused", "figures") in faults(executed)


@pytest.mark.parametrize("path", ["/etc/hostname", "../run/manifest.json", "a/../manifest.json"])
@pytest.mark.parametrize("name", ["manifest.json", "artifact_manifest.json"])
def test_a_path_that_leaves_the_folder_is_refused_by_name(executed, name, path):
    document = json.loads((executed / name).read_text())
    del document["self_digest"]
    if name == "manifest.json":
        document["outputs"]["more"], document["hashes"]["more"] = path, "0" * 64
    else:
        document["files"].append({"path": path, "sha256": "0" * 64, "size_bytes": 1})
    sealed = {**document, "self_digest": hashing.content_digest(document)}
    store.write_json(executed / name, sealed)
    assert any(kind == "refused" and found.endswith(path) for kind, found in faults(executed))


BENT_PLANS = {
    "a longer run": lambda plan: plan.update(estimated_steps=400),
    "a looser bound": lambda plan: plan["thresholds"].update(max_energy_budget_residual=1.0),
    "other physics": lambda plan: plan["config"]["physics"].update(value=2.0),
    "another family": lambda plan: plan["family"].update(width=0.4),
    "another digest": lambda plan: plan.update(plan_digest="0" * 64),
}


@pytest.mark.parametrize("bend", BENT_PLANS.values(), ids=BENT_PLANS)
def test_an_edited_plan_is_contradicted_even_when_listed_anew(executed, build, bend):
    plan = build.plan_document()
    bend(plan)
    store.write_json(executed / "campaign_plan.json", plan)
    build.manifests(executed, build.claim("validation"))
    build.transition(executed, "validation", "validation")
    assert ("contradicted", "campaign_plan.json") in faults(executed)


def test_a_consistently_replaced_plan_disagrees_with_records_and_index(executed, build):
    plan = build.plan_document()
    plan["estimated_steps"] = 400
    plan["plan_digest"] = verify.plan_digest(plan)
    store.write_json(executed / "campaign_plan.json", plan)
    build.manifests(executed, build.claim("validation", plan_digest=plan["plan_digest"]))
    build.transition(executed, "validation", "validation")
    found = faults(executed)
    assert ("contradicted", "checkpoints/checkpoint_index.json") in found
    assert ("contradicted", "checkpoints/step_000000000100.json") in found


def test_a_record_taken_out_of_the_middle_breaks_the_chain(executed, build):
    for path in executed.glob("checkpoints/*_000000000200.*"):
        path.unlink()
    build.index(executed)
    build.manifests(executed, build.claim("validation"))
    build.transition(executed, "validation", "validation")
    assert faults(executed) == {
        ("contradicted", "checkpoints/step_000000000300.json"),
        ("contradicted", "production_history.npz"),
    }


def test_a_segment_altered_with_its_lists_rebuilt_is_found_by_its_record(executed, build):
    name = "checkpoints/history_step_000000000200.npz"
    (executed / name).write_bytes(b"scaled rows")
    build.manifests(executed, build.claim("validation"))
    build.transition(executed, "validation", "validation")
    assert faults(executed) == {("altered", name)}


BENT_SERIES = {
    "a scaled value": lambda rows: np.load(io.BytesIO(rows(50, 100, 200, 300))),
    "a row that no segment has": lambda rows: np.load(
        io.BytesIO(rows(50, 100, 150, 200, 250, 275))
    ),
}


@pytest.mark.parametrize("bend", BENT_SERIES.values(), ids=BENT_SERIES)
def test_a_history_that_is_not_that_of_its_segments_is_found_whatever_was_hashed(
    executed, build, bend
):
    arrays = dict(bend(build.rows))
    arrays["total_energy"][1] *= 1 + 1e-15 if len(arrays["step"]) > 4 else 1.001
    np.savez(executed / "production_history.npz", **arrays)
    build.manifests(executed, build.claim("validation"))
    build.transition(executed, "validation", "validation")
    assert faults(executed) == {("contradicted", "production_history.npz")}


def test_an_index_that_hides_a_record_is_contradicted(executed, build):
    index = executed / "checkpoints/checkpoint_index.json"
    document = json.loads(index.read_text())
    document["checkpoints"].pop()
    store.write_json(index, document)
    build.manifests(executed, build.claim("validation"))
    build.transition(executed, "validation", "validation")
    assert faults(executed) == {("contradicted", "checkpoints/checkpoint_index.json")}


def test_checkpoints_newer_than_the_lists_are_told_as_a_run_cut_short(executed, build):
    record = json.loads((executed / "checkpoints/step_000000000300.json").read_text())
    build.checkpoint(executed, 400, record["digest"])
    checkpoints.mark_pruned(executed, 200)
    (executed / "checkpoints/state_step_000000000200.npz").unlink()
    build.index(executed)
    report = verify.verify(executed)
    assert [(fault.kind, fault.path) for fault in report.problems] == [
        ("stale", "artifact_manifest.json")
    ]
    assert "run it again" in str(report.problems[0])


BENT_VERDICTS = {
    "a failed value called a pass": lambda v: v["verdicts"]["g"].update(value=2.0),
    "a missing value called a pass": lambda v: v["verdicts"]["g"].update(value=None),
    "a pass called a failure": lambda v: v["verdicts"]["g"].update(verdict="fail"),
    "a check against its verdict": lambda v: v["checks"].update(g=False),
    "passed against its checks": lambda v: v.update(passed=False),
    "a check without a verdict": lambda v: v["checks"].update(more=True),
    "nothing judged, passed": lambda v: v.update(checks={}, verdicts={}),
    "a gate that bounds nothing": lambda v: v["verdicts"]["g"].update(
        bound={"low": None, "high": None}
    ),
    "no verdicts at all": lambda v: v.pop("verdicts"),
}


@pytest.mark.parametrize("bend", BENT_VERDICTS.values(), ids=BENT_VERDICTS)
def test_a_verdict_is_computed_from_value_and_bound(tmp_path, build, bend):
    gate = Gate(name="g", metric="m", reason="r", high=1.0)
    document = build.validation("mhx.test.v1", gate, 0.5)
    store.write_json(tmp_path / "validation.json", document)
    case_of(tmp_path)
    assert faults(tmp_path) == set()
    bend(document)
    store.write_json(tmp_path / "validation.json", document)
    case_of(tmp_path)
    assert named(tmp_path) == {"validation.json"}


def case_of(root: Path) -> None:
    made = manifest.Manifest(
        kind="case", config={}, files=manifest.describe(root, ["validation.json"])
    )
    manifest.write_manifest(root, made)
    manifest.write_artifact_manifest(root)


@given(
    value=st.none() | st.floats(),
    low=st.none() | FINITE,
    high=st.none() | FINITE,
)
def test_the_copy_that_travels_judges_like_the_gates(value, low, high):
    if (low is None and high is None) or (None not in (low, high) and low > high):
        return
    gate = Gate(
        name="g",
        metric="m",
        reason="r",
        **({} if low is None else {"low": low}),
        **({} if high is None else {"high": high}),
    )
    assert judge(gate, {"m": value}).verdict.value == verify._verdict(value, low, high)


UNSUPPORTED = {
    "not ready": {"production_ready": False},
    "a failed check": {"checks": {"g": False}},
    "nothing checked": {"checks": {}},
    "a waiver": {"waivers": [{"gate": "g"}]},
    "an open question": {"reviewer_answers": [{"id": "growth_rate", "status": "unknown"}]},
    "no questions": {"reviewer_answers": []},
    "another run": {"run_digest": "0" * 64},
    "other evidence": {"evidence_digests": {"promotion": "0" * 64}},
}


@pytest.mark.parametrize("changes", UNSUPPORTED.values(), ids=UNSUPPORTED)
def test_a_claim_that_its_report_does_not_support_has_no_level(executed, build, changes):
    report = verify.verify(build.promotion(executed, **changes))
    assert report.effective_level == "unspecified"
    assert report.stated_level == claims.ClaimLevel.PRODUCTION.value


def bundle_of(root: Path, value: float = 0.5) -> str:
    """A bundle, as far as a promotion knows it; returns its digest."""
    gate = Gate(name="g", metric="m", reason="r", high=1.0)
    results = [judge(gate, {"m": value})]
    store.write_json(root / "validation.json", validation_document("mhx.x.gates.v1", results, {}))
    case_of(root)
    return json.loads((root / "manifest.json").read_text())["digest"]


PLACES = {"inside": "convergence/main", "beside": "../other/main", "absolute": None}


@pytest.fixture(params=PLACES.values(), ids=PLACES)
def supported(request, executed, build, tmp_path):
    """A claimed run, and the folder of its evidence."""
    stated = request.param or str(tmp_path / "far/main")
    bundle = executed / stated
    build.promotion(executed, evidence_digests={stated: bundle_of(bundle)})
    return executed, bundle, stated


def test_the_evidence_of_a_claim_is_verified_wherever_it_lies(supported):
    run, _, _ = supported
    report = verify.verify(run)
    assert report.problems == []
    assert report.effective_level == report.stated_level == claims.ClaimLevel.PRODUCTION.value


def test_evidence_that_was_altered_voids_the_claim(supported):
    run, bundle, stated = supported
    (bundle / "validation.json").write_text("{}")
    report = verify.verify(run)
    found = {(fault.kind, fault.path) for fault in report.problems}
    assert ("altered", f"{stated}/validation.json") in found
    assert ("contradicted", "manifest.json") in found
    assert report.effective_level == "unspecified"
    assert report.exit_code == 4


def test_evidence_that_is_gone_voids_the_claim(supported):
    run, bundle, stated = supported
    shutil.rmtree(bundle)
    found = faults(run)
    assert ("missing", stated) in found
    assert ("contradicted", "manifest.json") in found


def test_evidence_that_was_exchanged_voids_the_claim(supported):
    run, bundle, stated = supported
    bundle_of(bundle, value=0.7)
    assert {
        ("contradicted", f"{stated}/manifest.json"),
        ("contradicted", "manifest.json"),
    } <= faults(run)


def test_a_promotion_by_itself_asks_for_the_evidence_too(supported):
    run, bundle, _ = supported
    assert verify.verify(run / "promotion").problems == []
    (bundle / "validation.json").write_text("{}")
    assert ("contradicted", "manifest.json") in faults(run / "promotion")


def test_evidence_that_names_the_run_as_its_own_evidence_does_not_go_round(tmp_path, build):
    for name, other in (("one", "../two"), ("two", "../one")):
        build.promotion(build.run(tmp_path / name), evidence_digests={other: "0" * 64})
    assert {("contradicted", "manifest.json"), ("contradicted", "../two/manifest.json")} <= faults(
        tmp_path / "one"
    )


def lane_of(root: Path, build) -> Path:
    """A claimed run with its evidence beside it, and one list over both."""
    digest = bundle_of(root / "double_harris/main")
    build.promotion(
        build.run(root / "rutherford"), evidence_digests={"../double_harris/main": digest}
    )
    made = manifest.Manifest(
        kind="lane", config={}, files={}, claim={"claim_level": LEVEL.VALIDATION.value}
    )
    manifest.seal(root, made)
    return root


def test_a_lane_is_verified_with_all_that_lies_in_it(tmp_path, build):
    root = lane_of(tmp_path / "lane", build)
    report = verify.verify(root)
    assert report.problems == []
    assert report.effective_level == LEVEL.VALIDATION.value
    assert report.notes == [f"rutherford: effective level {LEVEL.PRODUCTION.value}"]


def test_altered_evidence_of_a_lane_voids_the_claim_of_its_run(tmp_path, build):
    root = lane_of(tmp_path / "lane", build)
    (root / "double_harris/main/validation.json").write_text("{}")
    report = verify.verify(root)
    assert {
        ("altered", "double_harris/main/validation.json"),
        ("contradicted", "rutherford/manifest.json"),
    } <= {(fault.kind, fault.path) for fault in report.problems}
    stated = LEVEL.PRODUCTION.value
    assert report.notes[-1] == f"rutherford: effective level unspecified (stated: {stated})"


def test_the_verdicts_of_a_lane_are_computed_again(tmp_path, build):
    gate = Gate(name="g", metric="m", reason="r", high=1.0)
    judged = build.validation("mhx.tools.nonlinear_production_campaign.v1", gate, 2.0)
    judged["verdicts"]["g"]["verdict"] = "pass"
    root = tmp_path / "lane"
    store.write_json(root / "production_campaign_manifest.json", {"validation": judged})
    assert faults(lane_of(root, build)) == {("contradicted", "production_campaign_manifest.json")}


def test_an_altered_log_of_a_lane_leaves_the_claim_of_its_run(tmp_path, build):
    root = tmp_path / "lane"
    store.write_text(root / "logs/plan.log", "planned")
    lane_of(root, build)
    (root / "logs/plan.log").write_text("other words")
    report = verify.verify(root)
    assert [(fault.kind, fault.path) for fault in report.problems] == [("altered", "logs/plan.log")]
    assert report.notes == [f"rutherford: effective level {LEVEL.PRODUCTION.value}"]


def test_a_claim_whose_promotion_gates_failed_has_no_level(executed, build):
    build.promotion(executed, residual=1.0)
    assert ("contradicted", "manifest.json") in faults(executed)


WEAK = {
    "a gate left out": (lambda gates: gates.pop("spectral_tail_within_tolerance"), "not judged"),
    "a looser bound": (
        lambda gates: gates["linear_phase_observed"]["bound"].update(low=0.5),
        "a bound is looser than a claim allows",
    ),
    "a bound on the other side": (
        lambda gates: gates["energy_budget_residual_within_tolerance"].update(
            bound={"low": 0.0, "high": None}
        ),
        "a bound is looser than a claim allows",
    ),
}


@pytest.mark.parametrize(("bend", "words"), WEAK.values(), ids=WEAK)
def test_a_claim_needs_every_gate_at_its_bound_whatever_was_hashed(executed, build, bend, words):
    document = build.promotion_validation(1e-13)
    bend(document["verdicts"])
    document["checks"] = {name: True for name in document["verdicts"]}
    build.promotion(executed, validation=document)
    report = verify.verify(executed)
    assert {fault.kind for fault in report.problems} == {"contradicted"}
    assert any(words in str(fault) for fault in report.problems)
    assert report.effective_level == "unspecified"


def test_a_report_rewritten_after_the_claim_voids_it(claimed):
    path = claimed / "promotion/promotion_readiness.json"
    document = json.loads(path.read_text())
    store.write_json(path, {**document, "edited": True})
    folder = claimed / "promotion"
    document = json.loads((folder / "manifest.json").read_text())
    made = manifest.Manifest(
        kind="promotion",
        config={},
        files=manifest.describe(folder, ["validation.json"]),
        figures=manifest.describe(folder, ["promotion_readiness.json"]),
        claim={"claim_level": document["claim_level"]},
    )
    manifest.write_manifest(folder, made)
    manifest.write_artifact_manifest(folder)
    assert verify.verify(folder).problems == []
    assert ("contradicted", "manifest.json") in faults(claimed)
    assert ("altered", "promotion/promotion_readiness.json") in faults(claimed)


def test_a_bundle_made_again_verifies_by_its_own_manifests(executed, build):
    bundle = executed / "convergence/main"
    gate = Gate(name="g", metric="m", reason="r", high=1.0)
    store.write_json(bundle / "validation.json", build.validation("mhx.test.v1", gate, 0.5))
    case_of(bundle)
    build.manifests(executed, build.claim("validation"))
    build.transition(executed, "validation", "validation")
    store.write_json(bundle / "validation.json", build.validation("mhx.test.v1", gate, 0.6))
    case_of(bundle)
    report = verify.verify(executed)
    assert report.problems == []
    assert report.notes == [
        "convergence/main was made again after artifact_manifest.json was written"
    ]
    shutil.rmtree(bundle)
    assert ("missing", "convergence/main/validation.json") in faults(executed)


def test_manifests_planted_in_a_folder_of_the_run_do_not_excuse_it(executed, build):
    (executed / "figures/histories.png").write_bytes(b"another picture")
    made = manifest.Manifest(
        kind="case", config={}, files=manifest.describe(executed / "figures", ["histories.png"])
    )
    manifest.write_manifest(executed / "figures", made)
    manifest.write_artifact_manifest(executed / "figures")
    assert ("altered", "figures/histories.png") in faults(executed)


def test_a_list_written_anew_without_the_ledger_is_found(executed):
    (executed / "figures/histories.png").write_bytes(b"another picture")
    manifest.write_artifact_manifest(executed)
    assert {"artifact_manifest.json", "figures/histories.png"} <= named(executed)


@pytest.mark.parametrize("lines", [0, 1])
def test_a_ledger_cut_at_its_end_is_found(executed, lines):
    path = executed / "claim_ledger.jsonl"
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:lines]))
    store.append_chained(path, {"digests": {"artifact_manifest": "0" * 64}, "to": "validation"})
    assert "artifact_manifest.json" in named(executed)


def rechained(path: Path, keep) -> None:
    """Write a journal anew with some of its lines, every link and digest made to fit."""
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    path.unlink()
    for line in keep(lines):
        body = {key: value for key, value in line.items() if key not in ("previous", "digest")}
        store.append_chained(path, body)


BENT_LEDGERS = {
    "a line taken out of the middle": (lambda lines: [lines[0], lines[2]], "goes on from"),
    "lines in another order": (lambda lines: [lines[1], lines[0], lines[2]], "goes on from"),
    "without its beginning": (lambda lines: lines[1:], "goes on from"),
    "without its end": (lambda lines: lines[:-1], "its level is"),
    "ending with another report": (
        lambda lines: [*lines[:2], lines[2] | {"digests": lines[1]["digests"]}],
        "the ledger does not tell of it",
    ),
}


@pytest.mark.parametrize(("bend", "words"), BENT_LEDGERS.values(), ids=BENT_LEDGERS)
def test_a_ledger_whose_chain_was_made_to_fit_is_still_found(claimed, bend, words):
    rechained(claimed / "claim_ledger.jsonl", bend)
    report = verify.verify(claimed)
    assert any(words in str(fault) for fault in report.problems)
    assert report.effective_level == "unspecified"


def test_a_ledger_that_goes_back_in_time_is_told(claimed):
    def set_back(lines):
        return [*lines[:-1], lines[-1] | {"time": "2001-01-01T00:00:00+00:00"}]

    rechained(claimed / "claim_ledger.jsonl", set_back)
    assert verify.verify(claimed).notes == [
        "claim_ledger.jsonl goes back to 2001-01-01T00:00:00+00:00: a clock was set back, or a "
        "line is not from then"
    ]


def test_an_older_claim_played_back_over_a_step_down_is_found(claimed, build):
    names = ["claim_ledger.jsonl", "manifest.json", "artifact_manifest.json"]
    kept = {name: (claimed / name).read_bytes() for name in names}
    store.append_chained(
        claimed / "commands.jsonl",
        {"command": ["mhx", "execute", "--validation-claim"], "wrote": ["manifest.json"]},
    )
    build.manifests(claimed, build.claim("validation"))
    build.transition(claimed, LEVEL.PRODUCTION, LEVEL.VALIDATION)
    assert verify.verify(claimed).problems == []
    for name, content in kept.items():
        (claimed / name).write_bytes(content)
    report = verify.verify(claimed)
    assert [(fault.kind, fault.path) for fault in report.problems] == [
        ("altered", "claim_ledger.jsonl")
    ]
    assert "a later command that judged the run" in str(report.problems[0])
    assert report.effective_level == "unspecified"


def test_commands_cut_at_their_end_are_found(executed):
    path = executed / "commands.jsonl"
    path.write_bytes(path.read_bytes().splitlines(keepends=True)[0])
    assert faults(executed) == {("altered", "commands.jsonl")}


def test_a_torn_last_line_is_told_and_is_no_fault(executed):
    with (executed / "commands.jsonl").open("ab") as stream:
        stream.write(b'{"command":["mhx"')
    report = verify.verify(executed)
    assert report.problems == []
    assert report.notes == ["the last line of commands.jsonl is torn"]


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b'{"a": NaN}', b'{"a": 1e999}', b'{"a": 1, "a": 2}', b"\xff", b"{}"],
    ids=["empty", "torn", "a list", "NaN", "overflow", "a key twice", "not UTF-8", "no schema"],
)
@pytest.mark.parametrize("name", ["manifest.json", "artifact_manifest.json"])
def test_a_torn_manifest_is_a_fault(executed, name, content):
    (executed / name).write_bytes(content)
    assert name in named(executed)


SEALED_NONSENSE = {
    "no files": {"schema": "mhx.artifacts.v1"},
    "files as text": {"schema": "mhx.artifacts.v1", "files": "all"},
    "an entry without digest": {"schema": "mhx.artifacts.v1", "files": [{"path": "a"}]},
    "a newer schema": {"schema": "mhx.artifacts.v2", "files": []},
}


@pytest.mark.parametrize("body", SEALED_NONSENSE.values(), ids=SEALED_NONSENSE)
def test_a_sealed_manifest_of_another_shape_is_a_fault(executed, body):
    store.write_json(
        executed / "artifact_manifest.json",
        {**body, "self_digest": hashing.content_digest(body)},
    )
    assert "artifact_manifest.json" in named(executed)


def test_a_folder_that_does_not_exist_or_holds_no_manifest_is_a_wrong_argument(tmp_path):
    for folder in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(ConfigError, match=str(folder)):
            manifest.verified(folder)


def test_it_imports_nothing_but_the_standard_library():
    tree = ast.parse(Path(verify.__file__).read_text())
    modules = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            modules |= {alias.name.partition(".")[0] for alias in node.names}
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0
            modules.add(node.module.partition(".")[0])
    assert modules <= sys.stdlib_module_names


CODES = {"as written": (lambda root: None, 0), "altered": (lambda root: root.write_text("x"), 4)}


@pytest.mark.parametrize(("bend", "code"), CODES.values(), ids=CODES)
def test_the_copy_inside_a_run_needs_no_mhx(executed, bend, code):
    bend(executed / "figures/histories.png")
    answer = subprocess.run(
        [sys.executable, "-I", "-S", executed / "verify.py"],
        capture_output=True,
        text=True,
        check=False,
        cwd="/",
    )
    assert answer.returncode == code, answer.stderr
    assert ("altered: figures/histories.png" in answer.stdout) is (code == 4)


def test_the_copy_says_in_one_line_that_there_is_nothing(tmp_path, capsys):
    assert verify.main([str(tmp_path)]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_the_copy_prints_one_json_object(executed, capsys):
    assert verify.main([str(executed), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["effective_level"] == "validation"
    assert told["problems"] == []


@given(JSON_VALUES)
def test_its_digests_are_those_of_hashing(value):
    assert verify.canonical(value) == hashing.canonical(value)
    assert verify.content_digest(value) == hashing.content_digest(value)


@given(st.dictionaries(st.text(), JSON_VALUES, max_size=4))
def test_its_json_is_that_of_the_store(value):
    assert verify.render(value) == store.render_json(value)
    assert verify.parse_json(store.render_json(value)) == store.parse_json(store.render_json(value))


@given(st.binary(max_size=3000))
def test_its_file_digest_is_that_of_hashing(tmp_path_factory, content):
    path = tmp_path_factory.getbasetemp() / "digested"
    path.write_bytes(content)
    assert verify.file_digest(path) == hashing.file_digest(path)


def test_its_words_are_those_of_the_manifests():
    assert verify.LEFT_OUT_FOLDERS == manifest.LEFT_OUT_FOLDERS
    assert verify.DERIVED == manifest.DERIVED
    assert verify.UNLISTED == manifest.DERIVED | manifest.CHAINED | manifest.LOCKS
    assert verify.RUN_FILES == manifest._RUN_FILES
    top = {claims.ClaimLevel.PRODUCTION.value}
    assert set(claims.LABELS) - top == verify.NEEDS_NO_REPORT


def test_its_gates_of_a_claim_are_those_of_a_promotion():
    from mhx.campaigns.criteria import READINESS, criteria
    from mhx.campaigns.thresholds import BOUNDS

    bounds = {name: bound.value for name, bound in BOUNDS.items()}
    rows = criteria(bounds, require_sweeps=False, same_machine=False)
    gates = [*(row.gate for row in rows), *READINESS]
    assert {g.name: (g.bound["low"], g.bound["high"]) for g in gates} == verify.CLAIM_GATES


def test_its_plan_digest_is_that_of_the_planner(build):
    from mhx.campaigns.plan import plan_digest

    plan = build.plan_document()
    assert verify.plan_digest(plan) == plan_digest(plan)


def test_its_run_digest_is_that_of_the_manifests(claimed):
    folder = verify._Folder(verify._Tree(claimed, {}), verify.PurePosixPath())
    assert folder._run_digest() == manifest.run_digest(claimed)


def test_unreadable_files_count_as_altered(executed, monkeypatch):
    real = verify.file_digest

    def refusing(path):
        if os.fspath(path).endswith("histories.png"):
            raise PermissionError(13, "Permission denied")
        return real(path)

    monkeypatch.setattr(verify, "file_digest", refusing)
    assert faults(executed) == {("altered", "figures/histories.png")}
