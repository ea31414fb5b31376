"""The promotion check on whole folders: verdicts, refusals, waivers, claims, and every byte."""

import errno
import json
import random
import shutil
from pathlib import Path

import pytest

from mhx.campaigns.folder import RunFolder
from mhx.campaigns.plan import plan_digest, read_plan
from mhx.campaigns.questions import QUESTIONS
from mhx.campaigns.rutherford import execute, promotion, restart_check
from mhx.campaigns.rutherford.promotion import Options
from mhx.cli import main
from mhx.errors import ClaimRefused, ConfigError, EvidenceError, RunError, RunLocked
from mhx.evidence import manifest, store
from mhx.evidence.claims import current_level
from mhx.evidence.verify import verify
from mhx.execution.lock import hold
from mhx.reconnection.trajectory import read_history, write_history

from ..conftest import executed
from ..forger import alter, edit, read, rebuild, rebuild_history, rebuild_manifest, scaled
from .conftest import plan_into

pytestmark = pytest.mark.usefixtures("swift")

FROM_OTHER_RUNS = {  # not given here: see test_evidence.py
    *("convergence_bundle_count", "convergence_bundles_passed", "convergence_axes_covered"),
    *("evidence_matches_run", "seed_qi_bundle_present", "seed_qi_bundle_passed"),
}
OF_THE_TREE = {"code_identity_recorded"}  # unknown where the tests run in a changed work tree


@pytest.fixture
def repeated():
    """For tests that need stretches of the run integrated again."""


@pytest.fixture(autouse=True)
def _not_repeated(request, monkeypatch):
    """Elsewhere a verdict on the stretches is not needed, and they cost the most."""
    if "repeated" not in request.fixturenames:
        unasked = restart_check.RestartCheck(stretches=(), reason="not asked for in this test")
        monkeypatch.setattr(promotion, "restart_check", lambda *words: unasked)


def check(run, **flags):
    return promotion.check(run, Options(**flags))


def not_passed(answer):
    return {result.gate.name for result in answer.not_passed} - OF_THE_TREE


def contents(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and not path.name.startswith(".lock")
    }


def report_of(run):
    return read(run / "promotion/promotion_readiness.json")


# -- the verdict -------------------------------------------------------------------------------


def test_a_finished_run_lacks_nothing_but_evidence_from_other_runs(finished, repeated):
    answer = check(finished)
    assert not_passed(answer) == FROM_OTHER_RUNS
    assert answer.exit_code == 1 and answer.wrote == finished / "promotion"
    assert verify(finished).problems == []
    found = report_of(finished)
    assert (found["promotion_ready"], found["production_ready"]) == (False, False)
    assert found["claim_level_if_passed"] == "validation"
    assert found["run_dir"] == ".."


@pytest.mark.slow
def test_twice_gives_the_same_verdict_and_the_folder_verifies_in_between(finished, repeated):
    first = check(finished)
    assert verify(finished).problems == []
    execute.execute(finished, execute.Options(json=True, max_steps=0))
    assert verify(finished).problems == []
    second = check(finished)
    assert verify(finished).problems == []
    assert first.headline == second.headline
    assert [r.verdict for r in first.results] == [r.verdict for r in second.results]


def test_what_is_missing_is_told_with_command_and_cost(finished):
    rows = check(finished).document["missing"]
    assert {"gate", "what", "command", "estimated_seconds"} <= rows[0].keys()
    named = {row["gate"] for row in rows}
    assert FROM_OTHER_RUNS | {"thresholds_not_relaxed", "reviewer_questions_answered"} <= named
    for row in rows:
        assert row["what"].startswith(f"{row['gate']} {row['verdict']}: ")
        assert "RUN_DIR" not in row["command"] and row["command"]
    bundles = next(row for row in rows if row["gate"] == "convergence_bundle_count")
    assert bundles["command"].startswith("mhx benchmark") and bundles["command_available"]
    assert f"--from-plan {finished}" in bundles["command"]
    seeds = next(row for row in rows if row["gate"] == "seed_qi_bundle_present")
    assert bundles["estimated_seconds"] > seeds["estimated_seconds"] > 0
    assert report_of(finished)["missing"] == rows


def test_executing_on_is_no_remedy_for_a_finished_run(finished):
    edit(finished / "diagnostics.json", claim_level="validation", extra=1)
    alter(finished / "production_history.npz", scaled("mean_shear_change_0", slice(None), 1e-3))
    alter(finished / "production_history.npz", scaled("mean_shear_change_1", slice(None), 1e-3))
    rows = check(finished).document["missing"]
    shear = next(row for row in rows if row["gate"] == "nonlinear_response_present")
    assert shear["command"].startswith("mhx campaign rutherford-plan-production")


def test_the_seven_questions_are_answered_but_that_for_robustness(finished, repeated):
    answers = {one["id"]: one for one in check(finished).document["reviewer_answers"]}
    assert list(answers) == [question.id for question in QUESTIONS] and len(answers) == 7
    status = {name: one["status"] for name, one in answers.items()}
    assert status.pop("robustness") == "unknown"
    status.pop("reproducible")  # of the work tree
    assert set(status.values()) == {"answered"}
    assert answers["growth_rate"]["answer"].startswith("gamma = 0.1073, from an eigen-solve")
    assert "2.039 e-folds" in answers["linear_efolds"]["answer"]


def test_the_command_line_says_it_in_words_and_as_one_object(finished, repeated, capsys):
    assert main(["campaign", "rutherford-promotion-check", str(finished)]) == 1
    told = capsys.readouterr().out
    assert "convergence_bundles_passed" in told and "mhx benchmark seed-robust-qi" in told
    words = ["campaign", "rutherford-promotion-check", str(finished), "--json"]
    assert main(words) == 1
    assert json.loads(capsys.readouterr().out)["promotion_ready"] is False


# -- altered evidence --------------------------------------------------------------------------


def test_the_last_value_times_a_hundred_is_altered_evidence(finished):
    alter(finished / "production_history.npz", scaled("sheet_flux_0", -1, 100.0))
    answer = check(finished)
    assert answer.exit_code == EvidenceError.exit_code
    assert answer.document["altered"][0] == "altered: production_history.npz"
    assert any("production_history.npz" in line for line in answer.details)
    found = report_of(finished)
    assert found["claim_level_if_passed"] == "unspecified"
    assert not found["checks"]["artifact_hashes_verified"]


def test_the_last_value_times_a_hundred_is_refused_whatever_is_hashed_anew(finished, repeated):
    alter(finished / "production_history.npz", scaled("sheet_flux_0", -1, 100.0))
    rebuild(finished)
    assert [fault.kind for fault in verify(finished).problems] == ["contradicted"]
    answer = check(finished)
    assert answer.exit_code == EvidenceError.exit_code
    assert "sheet_flux_0 is not that of the segments" in answer.document["altered"][0]
    assert "checkpoint_chain_verified" in not_passed(answer)


@pytest.mark.slow
def test_an_altered_middle_is_refused_where_the_draw_falls_on_it(finished, repeated, monkeypatch):
    paths = [sorted(finished.glob(f"checkpoints/{p}_step_*.npz"))[4] for p in ("state", "history")]
    alter(paths[0], lambda arrays: arrays["psi_hat"].__imul__(1 + 1e-6))
    alter(paths[1], scaled("sheet_flux_0", -1, 1 + 1e-6))
    rebuild(finished)
    rebuild_history(finished)
    rebuild(finished)
    assert verify(finished).problems == []
    for position, found in ((4, True), (0, False)):
        monkeypatch.setattr(restart_check.secrets, "choice", lambda kept, n=position: kept[n])
        refused = "checkpoint_restart_reproducibility" in not_passed(check(finished))
        assert refused is found


def test_a_journal_that_was_altered_is_named_and_takes_no_line(finished):
    path = finished / "commands.jsonl"
    path.write_text(path.read_text().replace("command_line", "Command_line", 1))
    before = path.read_bytes()
    answer = check(finished)
    assert answer.exit_code == EvidenceError.exit_code and path.read_bytes() == before
    assert any("commands.jsonl" in fault for fault in answer.document["altered"])


def listed(run):
    """Every file that some manifest below the run names, and the manifests themselves."""
    found = set()
    for path in run.rglob("*manifest.json"):
        names = [entry["path"] for entry in read(path).get("files", [])]
        names += read(path).get("outputs", {}).values()
        found |= {path, *(path.parent / name for name in names)}
    return sorted(path for path in found if path.is_file())


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2))
def test_one_flipped_bit_in_any_listed_file_is_found_and_named(finished, seed):
    check(finished)
    execute.execute(finished, execute.Options(json=True, max_steps=0))
    check(finished)
    draw = random.Random(seed)
    files = listed(finished)
    assert {"promotion_readiness.json", "promotion_matrix.png", "validation.json"} <= {
        path.name for path in files if "promotion" in path.parts
    }
    for path in files if seed else draw.sample(files, 20):
        whole = path.read_bytes()
        place, bit = draw.randrange(len(whole)), 1 << draw.randrange(8)
        path.write_bytes(whole[:place] + bytes([whole[place] ^ bit]) + whole[place + 1 :])
        report = verify(finished)
        name = path.relative_to(finished).as_posix()
        assert report.exit_code == 4 and report.effective_level == "unspecified", (name, place, bit)
        assert name in {fault.path for fault in report.problems}, (name, place, bit)
        path.write_bytes(whole)
    assert verify(finished).problems == []


# -- flags -------------------------------------------------------------------------------------

NAN, INF = float("nan"), float("inf")
BAD = {
    "no number": ({"max_energy_budget_residual": NAN}, ["--max-energy-budget-residual must be a"]),
    "infinite": ({"max_divergence_linf": INF}, ["--max-divergence-linf must be a finite number"]),
    "negative": ({"min_linear_efolds": -1.0}, ["--min-linear-efolds must be >= 0"]),
    "one sample": ({"min_history_samples": 1}, ["--min-history-samples must be >= 2"]),
    "no bundle": ({"min_convergence_dirs": 0}, ["--min-convergence-dirs must be >= 1"]),
    "no step": ({"restart_check_max_steps": 0}, ["--restart-check-max-steps must be >= 1, got 0"]),
    "all at once": (
        {
            "min_reconnected_flux_amplification": NAN,
            "min_island_width_amplification": -INF,
            "min_history_samples": -5,
            "restart_check_max_steps": -1,
            "outdir": Path("RUN/checkpoints"),
        },
        [
            "--min-reconnected-flux-amplification",
            "--min-island-width-amplification",
            "--min-history-samples",
            "--restart-check-max-steps",
            "--outdir",
        ],
    ),
}


@pytest.mark.parametrize(("flags", "named"), BAD.values(), ids=BAD)
def test_bad_flags_are_told_all_at_once_and_nothing_is_written(finished, flags, named):
    before = contents(finished)
    if "outdir" in flags:
        flags = {**flags, "outdir": finished / flags["outdir"].name}
    with pytest.raises(ConfigError) as refused:
        check(finished, **flags)
    lines = str(refused.value).splitlines()
    assert len(lines) == len(named)
    for text in named:
        assert any(text in line for line in lines)
    assert contents(finished) == before


def test_a_looser_bound_is_recorded_and_the_verdict_names_it(finished):
    answer = check(finished, min_history_samples=2)
    assert answer.headline.endswith(
        "validation only: waiver minimum_history_samples 2, "
        "waiver spectral_tail_within_tolerance 0.0001, waiver production_resolution_floor 8, "
        "waiver duration_guard_passed 8, waiver duration_guard_passed 1"
    )
    waived = [w for w in report_of(finished)["waivers"] if w["gate"] == "minimum_history_samples"]
    assert waived == [
        {
            "gate": "minimum_history_samples",
            "production_bound": 100,
            "used_bound": 2,
            "where": "rutherford-promotion-check",
        }
    ]
    assert read(finished / "promotion/manifest.json")["waivers"] == report_of(finished)["waivers"]


def test_a_run_without_movies_is_judged_with_a_waiver(finished):
    for path in (finished / "figures").glob("fixed_scale*"):
        path.unlink()
    rebuild_manifest(finished)
    assert {"fixed_scale_movies_present", "movies_fixed_scale_verified"} <= not_passed(
        check(finished)
    )
    answer = check(finished, require_movies=False)
    assert not {"fixed_scale_movies_present", "movies_fixed_scale_verified"} & not_passed(answer)
    assert "waiver fixed_scale_movies_present left out" in answer.headline
    gates = [waiver["gate"] for waiver in report_of(finished)["waivers"]]
    assert "fixed_scale_movies_present" in gates


def test_a_grid_below_the_floor_is_a_waiver_whatever_the_plan_lists(finished):
    document = read(finished / "campaign_plan.json")
    document["thresholds"]["min_production_resolution"] = 96
    document |= {"waivers": [], "failed_gates": []}
    document["plan_digest"] = plan_digest(document)
    store.write_json(finished / "campaign_plan.json", document)
    answer = check(finished)
    assert "waiver production_resolution_floor 32" in answer.headline
    assert answer.exit_code == EvidenceError.exit_code


def test_sweeps_that_are_required_and_absent_are_unknown(finished):
    answer = check(finished, require_sweeps=True)
    assert {"width_aspect_sweep_passed", "eta_lundquist_sweep_passed"} <= not_passed(answer)


# -- where the report goes ---------------------------------------------------------------------


@pytest.mark.slow
def test_a_report_elsewhere_is_a_trial_and_says_so(finished, tmp_path):
    before = contents(finished)
    answer = check(finished, outdir=tmp_path / "trial")
    assert f"a trial: only {finished / 'promotion'} supports a claim" in answer.details
    assert contents(finished) == before
    assert verify(tmp_path / "trial").problems == []
    assert check(finished, outdir=tmp_path / "trial").exit_code == 1


@pytest.mark.parametrize("place", [".", "checkpoints", "promotion/deeper", "figures/../frames"])
def test_a_report_inside_the_run_is_refused(finished, place):
    before = contents(finished)
    with pytest.raises(ConfigError, match="lies inside the run directory"):
        check(finished, outdir=finished / place)
    assert contents(finished) == before


def test_a_report_is_never_written_over_another_run(finished, tmp_path):
    other = plan_into(tmp_path / "other")
    before = contents(other)
    for place in (other, other / "promotion"):
        with pytest.raises(ConfigError, match=r"lies inside the run directory .*other"):
            check(finished, outdir=place)
    assert contents(other) == before


def test_a_report_is_never_written_beside_other_files(finished, tmp_path):
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes/mine.txt").write_text("mine")
    for place in (tmp_path / "notes", finished.parent):
        with pytest.raises(ConfigError, match="holds other files"):
            check(finished, outdir=place)
    with pytest.raises(ConfigError, match="is a file"):
        check(finished, outdir=tmp_path / "notes/mine.txt")
    assert contents(tmp_path / "notes") == {"mine.txt": b"mine"}


def test_a_file_in_place_of_the_promotion_folder_is_refused(finished):
    (finished / "promotion").write_text("mine")
    with pytest.raises(ConfigError, match="must be a folder, it is a file"):
        check(finished)


@pytest.mark.slow
def test_half_a_report_of_a_killed_check_is_replaced(finished):
    check(finished)
    (finished / "promotion/manifest.json").unlink()
    (finished / "promotion/promotion_readiness.json").write_text('{"half":')
    assert check(finished).exit_code == 1
    assert verify(finished).problems == []


# -- folders that are not what they should be --------------------------------------------------


def test_a_missing_or_foreign_folder_is_refused_and_nothing_is_written(tmp_path, capsys):
    (tmp_path / "notes.txt").write_text("mine")
    for place in (tmp_path / "nowhere", tmp_path):
        with pytest.raises(ConfigError, match="plan first"):
            check(place)
        assert main(["campaign", "rutherford-promotion-check", str(place)]) == 2
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_a_plan_that_was_never_executed_is_judged(tmp_path, repeated):
    run = plan_into(tmp_path / "run")
    answer = check(run)
    assert answer.exit_code == 1 and verify(run).problems == []
    failed = not_passed(answer)
    assert {"execution_diagnostics_present", "terminal_step_reaches_target"} <= failed
    assert {"history_schema_supported", "checkpoint_restart_reproducibility"} <= failed
    costs = {row["gate"]: row["estimated_seconds"] for row in answer.document["missing"]}
    assert costs["terminal_step_reaches_target"] == pytest.approx(48 * 1e-4)
    assert (run / "promotion/figures/promotion_matrix.png").exists()


def test_half_a_run_is_judged(tmp_path, repeated):
    run = executed(tmp_path / "run", max_steps=300, movies=False)
    answer = check(run)
    assert answer.exit_code == 1 and verify(run).problems == []
    assert {
        *("completed_target", "terminal_step_reaches_target", "fixed_scale_movies_present"),
        *("energy_budget_residual_within_tolerance", "minimum_history_samples"),
    } <= not_passed(answer)
    told = next(r for r in answer.results if r.gate.name == "terminal_step_reaches_target")
    assert told.value == 378
    rows = {row["gate"]: row for row in answer.document["missing"]}
    assert rows["terminal_step_reaches_target"]["command"] == (
        f"mhx campaign rutherford-execute {run}"
    )


@pytest.mark.parametrize("content", [b"", b"{}", b'{"schema": ', b"\xff"])
def test_a_torn_plan_is_altered_evidence(finished, content):
    (finished / "campaign_plan.json").write_bytes(content)
    with pytest.raises(EvidenceError, match=r"campaign_plan\.json"):
        check(finished)
    assert not (finished / "promotion").exists()


def test_a_run_at_work_is_not_judged(finished):
    with hold(finished, "executor"), pytest.raises(RunLocked, match="executor"):
        check(finished)
    assert not (finished / "promotion").exists()


def test_a_folder_that_cannot_be_written_is_one_message(finished, monkeypatch, capsys):
    def refused(*words):
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(store.os, "replace", refused)
    with pytest.raises(RunError, match="Read-only file system"):
        check(finished)
    assert main(["campaign", "rutherford-promotion-check", str(finished)]) == 3
    told = capsys.readouterr().err
    assert "Traceback" not in told and str(finished) in told


@pytest.mark.parametrize("gone", ["checkpoints", "frames", "figures"])
def test_a_folder_that_is_gone_is_named(finished, gone):
    shutil.rmtree(finished / gone)
    answer = check(finished)
    assert answer.exit_code == EvidenceError.exit_code
    assert any(gone in fault for fault in answer.document["altered"])


def _history(change):
    def act(run):
        path = run / "production_history.npz"
        arrays = dict(read_history(path).arrays)
        arrays = change(arrays) or arrays
        write_history(path, arrays)
        rebuild(run)

    return act


def planned(**changes):
    """Parts of the plan that its digest covers and that no planner wrote."""

    def act(run):
        document = read(run / "campaign_plan.json")
        document["duration_assessment"] |= changes
        document["plan_digest"] = plan_digest(document)
        store.write_json(run / "campaign_plan.json", document)

    return act


@pytest.mark.parametrize("value", [None, "ten", [[1]], 0, -3.0, True])
def test_a_duration_that_no_planner_wrote_is_altered_evidence(finished, value):
    planned(required_efolds=value)(finished)
    with pytest.raises(EvidenceError, match=r"duration_assessment\.required_efolds"):
        check(finished)


@pytest.mark.parametrize("family", [None, "f" * 64])
def test_the_family_of_a_run_is_that_of_its_configuration(finished, family):
    edit(finished / "campaign_plan.json", family_digest=family)
    answer = check(finished)
    assert answer.exit_code == EvidenceError.exit_code
    assert any("its family is not its configuration" in f for f in answer.document["altered"])
    assert read(finished / "promotion/manifest.json")["family_digest"] not in (family, None)


@pytest.mark.parametrize("path", [None, -1, ["a"]])
def test_a_list_of_files_that_names_none_is_altered_evidence(finished, path):
    document = read(finished / "artifact_manifest.json")
    document["files"][5] = {"path": path} if path else {}
    edit(finished / "artifact_manifest.json", files=document["files"])
    assert check(finished).exit_code == EvidenceError.exit_code


STRANGE = {
    "a history of no sample": _history(lambda h: {name: v[:0] for name, v in h.items()}),
    "a history of one sample": _history(lambda h: {name: v[:1] for name, v in h.items()}),
    "a history of words": _history(lambda h: {name: v.astype("U") for name, v in h.items()}),
    "a history of complex numbers": _history(
        lambda h: {name: v.astype(complex) for name, v in h.items()}
    ),
    "a history of truths": _history(lambda h: {name: v.astype(bool) for name, v in h.items()}),
    "time and step alone": _history(lambda h: {name: h[name] for name in ("time", "step")}),
    "time that stands still": _history(lambda h: {**h, "time": h["time"] * 0}),
    "one sheet": _history(lambda h: {n: v for n, v in h.items() if not n.endswith("_1")}),
    "no diagnostics": lambda run: (run / "diagnostics.json").unlink(),
    "a rate in words": lambda run: edit(run / "diagnostics.json", seconds_per_step="fast"),
    "no record but the last": lambda run: [
        path.unlink() for path in sorted(run.glob("checkpoints/step_*.json"))[:-1]
    ],
    "records in words": lambda run: [
        path.write_text("[]") for path in run.glob("checkpoints/step_*.json")
    ],
    "a folder for a file": lambda run: (
        (run / "production_history.npz").unlink(),
        (run / "production_history.npz").mkdir(),
    ),
    "no manifest at all": lambda run: [path.unlink() for path in run.rglob("*manifest.json")],
    "no ledger": lambda run: (run / "claim_ledger.jsonl").unlink(),
    "an empty index": lambda run: (run / "checkpoints/checkpoint_index.json").write_text("{}"),
    "states of another grid": lambda run: [
        alter(path, lambda a: [a.update({n: a[n][:8] for n in ("psi", "psi_hat")})])
        for path in sorted(run.glob("checkpoints/state_step_*.npz"))[-1:]
    ],
}


@pytest.mark.slow
@pytest.mark.parametrize("change", STRANGE.values(), ids=STRANGE)
def test_strange_folders_are_judged_and_never_crash(finished, repeated, change):
    change(finished)
    answer = check(finished)
    assert answer.exit_code in (1, 4) and not answer.document["promotion_ready"]
    assert not_passed(answer) > FROM_OTHER_RUNS or answer.document["altered"]
    assert (finished / "promotion/promotion_readiness.json").exists()


# -- the claim ---------------------------------------------------------------------------------


def claim(run):
    return execute.execute(
        run, execute.Options(json=True, max_steps=0, allow_production_claim=True)
    )


def test_a_claim_without_a_ready_report_is_refused_with_reasons(finished, capsys):
    check(finished)
    with pytest.raises(ClaimRefused) as refused:
        claim(finished)
    for name in FROM_OTHER_RUNS | {"thresholds_not_relaxed"}:
        assert name in str(refused.value)
    assert current_level(finished / "claim_ledger.jsonl") == "validation"
    assert read(finished / "manifest.json")["claim_level"] == "validation"
    assert verify(finished).problems == []
    words = ["campaign", "rutherford-execute", str(finished), "--max-steps", "0"]
    assert main([*words, "--allow-production-claim"]) == 5


def forge_report(run, *, values=False):
    """A report that says yes, with verdicts, and values if asked, and manifests to match."""
    place = run / "promotion"
    report, judged = report_of(run), read(place / "validation.json")
    for name, stored in judged["verdicts"].items():
        if values and stored["verdict"] != "pass":
            bound = stored["bound"]
            stored["value"] = bound["high"] if bound["low"] is None else bound["low"]
        stored["verdict"] = "pass"
        judged["checks"][name] = True
    judged["passed"] = True
    report |= {"promotion_ready": True, "production_ready": True, "waivers": []}
    report["checks"] = dict.fromkeys(report["checks"], True)
    report["reviewer_answers"] = [{**a, "status": "answered"} for a in report["reviewer_answers"]]
    store.write_json(place / "promotion_readiness.json", report)
    store.write_json(place / "validation.json", judged)
    rebuild_manifest(place, claim_level="validation")


@pytest.mark.parametrize("values", [False, True])
def test_a_forged_report_supports_no_claim(finished, values):
    check(finished)
    forge_report(finished, values=values)
    with pytest.raises((ClaimRefused, EvidenceError)):
        claim(finished)
    assert current_level(finished / "claim_ledger.jsonl") == "validation"


def contradicted(run):
    folder = RunFolder(run)
    stored = read(run / "promotion/validation.json")
    return promotion.contradictions(folder, read_plan(folder), report_of(run), stored)


def test_an_honest_report_is_not_contradicted_by_its_run(finished):
    check(finished)
    assert contradicted(finished) == []
    execute.execute(finished, execute.Options(json=True, max_steps=0))
    assert contradicted(finished) == []


def test_values_that_were_typed_in_are_contradicted_by_the_run(finished):
    """The manifests of the report match: only the run itself knows better."""
    check(finished)
    forge_report(finished, values=True)
    assert verify(finished / "promotion").problems == []
    told = "\n".join(contradicted(finished))
    assert "states convergence_bundles 2, the run gives 0" in told
    assert "states failed_convergence_gates 0, the run gives nothing" in told


def test_a_report_about_the_run_as_it_was_supports_no_claim(finished):
    check(finished)
    edit(finished / "figures/fixed_scale_flux_movie.json", title="another film")
    rebuild(finished)
    with pytest.raises(ClaimRefused, match="another state of this run"):
        claim(finished)


def test_bindings_name_the_report(finished):
    check(finished)
    assert "promotion_report" in manifest.bindings(finished)
