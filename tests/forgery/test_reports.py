"""Promotion reports that were written, edited, exchanged or kept, and the claim that rests on them.

Every digest is rebuilt.  The claim reads values from the run and its evidence again, so a report
whose numbers the folder does not give supports nothing.
"""

import json
import shutil

import pytest

from mhx.evidence.verify import verify

from ..campaigns.forger import alter, edit, read, rebuild_history, rebuild_records, scaled
from .forging import TOP, claimed_again, forged, rebound, recounted, resealed, without_its_end
from .refusal import check, level, not_claimed, refused
from .small_lane import claim

pytestmark = pytest.mark.accept
REPORT, VERDICTS = "promotion_readiness.json", "validation.json"


def verdict(run, gate, **changes):
    path = run / "promotion" / VERDICTS
    document = read(path)
    document["verdicts"][gate] |= changes
    document["checks"] = {
        name: one["verdict"] == "pass" for name, one in document["verdicts"].items()
    }
    edit(path, verdicts=document["verdicts"], checks=document["checks"],
         passed=all(document["checks"].values()))  # fmt: skip


def passed(run, gate, value):
    """One gate that did not pass is said to pass, everywhere where it is said."""
    verdict(run, gate, verdict="pass", value=value)
    report = run / "promotion" / REPORT
    checks = {**read(report)["checks"], gate: True}
    edit(report, checks=checks, promotion_ready=True, production_ready=True, missing=[])
    resealed(run / "promotion" / "manifest.json", claim_level=TOP)


def answered(run):
    report = run / "promotion" / REPORT
    answers = read(report)["reviewer_answers"]
    edit(report, reviewer_answers=[{**one, "status": "answered"} for one in answers])


# -- a check that failed, told as one that passed --------------------------------------------------


def a_failed_restart_told_as_equal(mhx, lane):
    """Rows altered, found by the draw; the report then says that nothing differed."""
    path = sorted(lane.run.glob("checkpoints/history_step_*.npz"))[3]
    alter(path, scaled("kinetic_energy", 4, 1.001))
    forged(lane.run)
    assert "checkpoint_restart_reproducibility" in check(mhx, lane, draw=3)
    passed(lane.run, "checkpoint_restart_reproducibility", 0.0)
    answered(lane.run)


def rows_altered_after_the_check(mhx, lane):
    """The report is about the run as it was, and is bound to the run as it is."""
    path = sorted(lane.run.glob("checkpoints/history_step_*.npz"))[3]
    alter(path, scaled("kinetic_energy", 4, 1.001))
    forged(lane.run)


def a_tail_told_as_small(mhx, lane):
    for path in sorted(lane.run.glob("checkpoints/history_step_*.npz")):
        alter(path, lambda arrays: arrays.update(spectral_tail=arrays["spectral_tail"] * 1e6))
    forged(lane.run)
    assert "spectral_tail_within_tolerance" in check(mhx, lane)
    passed(lane.run, "spectral_tail_within_tolerance", 1e-8)
    passed(lane.run, "execution_validation_passed", 0.0)
    passed(lane.run, "checkpoint_restart_reproducibility", 0.0)
    answered(lane.run)


def a_better_number(mhx, lane):
    """Nothing failed; but the number is to be quoted."""
    verdict(lane.run, "growth_rate_matches_eigenvalue", value=1e-4)


def no_more_waivers(mhx, lane):
    """Movies were not asked for, which caps the level; the report forgets that."""
    shutil.rmtree(lane.run / "figures")
    forged(lane.run)
    assert "validation only" in check(mhx, lane, "--no-require-movies")
    document = read(lane.run / "promotion" / VERDICTS)
    document["verdicts"]["thresholds_not_relaxed"] |= {"verdict": "pass", "value": 0.0}
    edit(lane.run / "promotion" / VERDICTS, verdicts=document["verdicts"], passed=True)
    edit(lane.run / "promotion" / REPORT, waivers=[], production_ready=True)
    resealed(lane.run / "promotion" / "manifest.json", waivers=[], claim_level=TOP)


def a_gate_left_out(mhx, lane):
    path = lane.run / "promotion" / VERDICTS
    document = read(path)
    for table in ("verdicts", "checks"):
        document[table].pop("nonlinear_response_present")
    edit(path, **document)


def a_gate_that_bounds_nothing(mhx, lane):
    verdict(
        lane.run, "spectral_tail_within_tolerance", bound={"low": None, "high": None}, value=0.5
    )


def no_verdicts_at_all(mhx, lane):
    edit(lane.run / "promotion" / VERDICTS, verdicts={}, checks={}, passed=True)


def a_value_that_is_text(mhx, lane):
    verdict(lane.run, "minimum_history_samples", value="many")


def no_questions(mhx, lane):
    edit(lane.run / "promotion" / REPORT, reviewer_answers=[])


def about_an_earlier_step(mhx, lane):
    edit(lane.run / "promotion" / REPORT, terminal_step=9454)


def no_evidence_needed(mhx, lane):
    """The report is true; the list of what it rests on is emptied."""
    edit(lane.run / "promotion" / REPORT, convergence_dirs=[], evidence_digests={})


WRITTEN = {
    a_failed_restart_told_as_equal: "restart|integrated again",
    rows_altered_after_the_check: "kinetic_energy|states|restart|integrated again",
    a_tail_told_as_small: "states max_spectral_tail 1e-08, the run gives",
    a_better_number: "states growth_rate_mismatch 0.0001, the run gives",
    no_more_waivers: "promotion/manifest.json .it states production, but",
    a_gate_left_out: "nonlinear_response_present",
    a_gate_that_bounds_nothing: "altered: promotion/validation.json.*a gate that bounds nothing",
    no_verdicts_at_all: "promotion/validation.json .passed is True, its checks say otherwise",
    a_value_that_is_text: "altered: promotion/validation.json.*not str",
    no_questions: "a reviewer question is unanswered",
    about_an_earlier_step: "the report judged step 9454, the run stands at step",
    no_evidence_needed: "convergence",
}


@pytest.mark.parametrize("forge", WRITTEN, ids=lambda forge: forge.__name__)
def test_a_report_that_the_folder_does_not_bear_out_supports_nothing(mhx, undecided, forge):
    forge(mhx, undecided)
    rebound(undecided.run)
    recounted(undecided.run)
    not_claimed(mhx, undecided, WRITTEN[forge], draw=3)


def test_a_report_written_by_hand_is_no_report(mhx, undecided):
    """The folder says that it is ready, in four lines."""
    place = undecided.run / "promotion"
    shutil.rmtree(place)
    place.mkdir()
    (place / REPORT).write_text(json.dumps({"production_ready": True, "waivers": []}))
    (place / VERDICTS).write_text(json.dumps({"passed": True, "checks": {"all": True}}))
    not_claimed(mhx, undecided, "promotion")


def test_a_report_of_a_longer_run_is_refused(mhx, undecided):
    """A run that deserves it lends its report to one that was stopped early."""
    without_its_end(undecided.run)
    rebound(undecided.run)
    recounted(undecided.run)
    not_claimed(mhx, undecided, "the run gives|the run stands at step|missing")


def test_a_report_about_another_plan_is_refused(mhx, undecided):
    place = undecided.run / "promotion"
    edit(place / REPORT, plan_digest="0" * 64)
    resealed(place / "manifest.json", plan_digest="0" * 64)
    rebound(undecided.run)
    recounted(undecided.run)
    not_claimed(mhx, undecided, "plan")


def test_a_trial_elsewhere_supports_no_claim(mhx, undecided, tmp_path):
    shutil.rmtree(undecided.run / "promotion")
    forged(undecided.run)
    assert "a trial" in check(mhx, undecided, "--outdir", tmp_path / "trial")
    not_claimed(mhx, undecided, "promotion_readiness.json is missing")


def test_a_trial_brought_home_is_still_bound_to_its_run(mhx, undecided, tmp_path):
    """Copied into place with nothing rebuilt: the list of the run does not know it."""
    assert "a trial" in check(mhx, undecided, "--outdir", tmp_path / "trial")
    shutil.rmtree(undecided.run / "promotion")
    shutil.copytree(tmp_path / "trial", undecided.run / "promotion")
    edit(undecided.run / "promotion" / REPORT, run_dir="..")
    not_claimed(mhx, undecided, "altered: promotion/promotion_readiness.json")


def test_a_report_behind_a_link_is_refused(mhx, made, undecided):
    place = undecided.run / "promotion"
    shutil.rmtree(place)
    place.symlink_to(made / "claimed" / "rutherford" / "promotion")
    not_claimed(mhx, undecided, "a link that leaves the folder")


def altered_and_claimed(run, name="kinetic_energy", factor=1.001):
    """One row of a claimed run is another one, and everything that binds it is rebuilt.

    Hashes find nothing any more: they say that files belong together, not who made them.
    """
    alter(sorted(run.glob("checkpoints/history_step_*.npz"))[3], scaled(name, 4, factor))
    rebuild_records(run)
    rebuild_history(run)
    claimed_again(run)
    assert verify(run).effective_level == TOP


def test_asking_again_integrates_again(mhx, claimed):
    altered_and_claimed(claimed.run)
    refused(claim(mhx, claimed, draw=3), "integrated again", (4, 5))
    assert level(mhx, claimed) != TOP


def test_judging_again_integrates_again_and_takes_the_claim_away(mhx, claimed):
    altered_and_claimed(claimed.run)
    mhx("campaign", "rutherford-execute", claimed.run, "--max-steps", 0, draw=3)
    assert level(mhx, claimed) == "validation"


def test_checking_again_names_the_stretch(mhx, claimed):
    altered_and_claimed(claimed.run)
    refused(check(mhx, claimed, draw=3), "checkpoint_restart_reproducibility: restart_difference")


def test_a_claim_refused_to_a_claimed_run_is_no_claim_any_more(mhx, claimed):
    """What was granted once is asked for again over less: it does not stay as it was."""
    altered_and_claimed(claimed.run, "spectral_tail", 1e6)
    refused(claim(mhx, claimed), "states max_spectral_tail .*, the run gives", (5,))
    assert level(mhx, claimed) != TOP
