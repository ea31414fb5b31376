"""Evidence from other runs: hand-written, counted twice, of something else, altered, incomplete.

The rest of the lane is as it should be, so that the bundle alone decides.
"""

import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest

from mhx.evidence import schemas

from ..campaigns.forger import alter, edit, read, scaled
from .bundle_forging import bound, cases, left_out, rejudged, rows
from .forging import resealed
from .refusal import check, not_claimed, not_promoted, refused
from .small_lane import claim, listed

pytestmark = pytest.mark.accept
VALIDATION = "validation.json"


def convergence(*folders):
    return [word for folder in folders for word in ("--convergence-dir", folder)]


# -- written by hand ---------------------------------------------------------------------------


def three_files(folder, schema, hashes):
    """What the reference implementation takes for evidence."""
    folder.mkdir(parents=True)
    verdicts = {"all": {"verdict": "pass", "metric": "m", "value": 0, "bound": {"high": 1}}}
    passed = {"passed": True, "checks": {"all": True}, "verdicts": verdicts}
    (folder / VALIDATION).write_text(json.dumps({"schema": schemas.gates_of(schema), **passed}))
    manifest = {"schema": schemas.MANIFEST, "kind": "bundle", "claim_level": "validation"}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    files = [{"path": name, "sha256": hashes} for name in (VALIDATION, "manifest.json")]
    listed = {"schema": schemas.ARTIFACTS, "files": files}
    (folder / "artifact_manifest.json").write_text(json.dumps(listed))


def test_three_files_written_by_hand_are_no_bundles(mhx, undecided):
    folders = [undecided.root / name for name in ("one", "two", "seeds")]
    for folder, schema in zip(
        folders, (schemas.CONVERGENCE, schemas.CONVERGENCE, schemas.SEED_ROBUST_QI), strict=True
    ):
        three_files(folder, schema, "0" * 64)
    not_promoted(
        mhx, undecided, "altered: manifest.json", *convergence(*folders[:2]),
        "--seed-qi-dir", folders[2],
    )  # fmt: skip


def test_verdicts_without_cases_are_no_bundle_even_under_true_digests(mhx, undecided):
    """Everything that the cases left is gone; what was said of them is kept and bound anew."""
    bundle = undecided.crosscheck
    shutil.rmtree(bundle / "cases")
    for path in bundle.glob("testbed*"):
        path.unlink()
    resealed(bundle / "manifest.json")
    refused(check(mhx, undecided), "convergence_crosscheck: .*(missing|verdicts_recomputed)")


# -- one for another, one for two -----------------------------------------------------------------


def test_a_bundle_given_twice_counts_once(mhx, undecided):
    twice = convergence(undecided.convergence, undecided.convergence)
    not_promoted(mhx, undecided, "content_distinct", *twice, "--seed-qi-dir", undecided.seeds)


def test_a_copy_of_a_bundle_is_that_bundle(mhx, undecided):
    copy = undecided.root / "another"
    shutil.copytree(undecided.convergence, copy)
    said = check(mhx, undecided, *convergence(undecided.convergence, copy))
    refused(said, "content_distinct")


def test_a_copy_told_otherwise_is_still_that_bundle(mhx, undecided):
    """Another purpose, another date, another digest: the same cases."""
    copy = undecided.root / "another"
    shutil.copytree(undecided.convergence, copy)
    config = read(copy / "manifest.json")["config"]
    config["study"]["cases"] = config["study"]["cases"][:-1]
    created = "2001-01-01T00:00:00+00:00"
    resealed(copy / "manifest.json", config=config, created_utc=created)
    bound(copy)
    assert read(copy / "manifest.json")["digest"] != read(
        undecided.convergence / "manifest.json"
    )["digest"]  # fmt: skip
    refused(check(mhx, undecided, *convergence(undecided.convergence, copy)), "content_distinct")


def test_a_link_to_a_bundle_is_that_bundle(mhx, undecided):
    link = undecided.root / "another"
    link.symlink_to(undecided.convergence)
    refused(check(mhx, undecided, *convergence(undecided.convergence, link)), "content_distinct")


def test_seeds_are_no_convergence(mhx, undecided):
    said = check(mhx, undecided, *convergence(undecided.convergence, undecided.seeds))
    refused(said, "seed_qi: did not pass .*bundle_kind_matches")


def test_convergence_is_no_ensemble_of_seeds(mhx, undecided):
    both = convergence(undecided.convergence, undecided.crosscheck)
    said = check(mhx, undecided, *both, "--seed-qi-dir", undecided.convergence)
    refused(said, "seed_qi_bundle_present: missing_seed_bundles = 1")


# -- another physics, shorter, looser --------------------------------------------------------------


QUICK = ("--resolutions", "32,40,48", "--reference-resolution", 32, "--mode-x", 2, "--mode-y", 1)
OTHER = {
    "another resistivity": (("--eta", 0.009, "--nu", 0.008, "--t-end", 30), "resistivity = 0.009"),
    "a sheet that decays": (
        ("--eta", 0.008, "--nu", 0.008, "--t-end", 30, "--decaying-equilibrium"),
        "hold_equilibrium = False",
    ),
    "a run that is shorter": (
        ("--eta", 0.008, "--nu", 0.008, "--t-end", 30),
        "ends at t = 30",
    ),
    "flags that were relaxed": (
        (
            *("--eta", 0.008, "--nu", 0.008, "--t-end", 30),
            *("--max-relative-growth-rate-spread", 1.5),
        ),
        "thresholds_not_relaxed",
    ),
}


@pytest.mark.parametrize(("flags", "reason"), OTHER.values(), ids=OTHER)
def test_evidence_of_something_else_is_none_about_this_run(mhx, undecided, flags, reason):
    bundle = undecided.root / "other"
    eps = ("--width", 0.45, "--perturbation-amplitude", 4e-3, "--save-interval", 1.5)
    said = mhx("benchmark", "double-harris-convergence", "--outdir", bundle, *QUICK, *eps, *flags)
    assert said.code in (0, 1), said.text
    said = check(mhx, undecided, *convergence(undecided.convergence, bundle))
    refused(said, f"other: [^\n]*{reason}")


# -- altered ---------------------------------------------------------------------------------------


def test_a_case_whose_bytes_were_altered_is_named(mhx, undecided):
    rows(cases(undecided.crosscheck)[0], scaled("sheet_flux_0", -1, 1.5))
    said = check(mhx, undecided)
    refused(said, "altered: cases/[^/]+/history.npz", (4,))


def test_a_case_that_is_gone_is_named(mhx, undecided):
    shutil.rmtree(cases(undecided.seeds)[2])
    refused(check(mhx, undecided), "missing: cases/", (4,))


def test_a_verdict_that_was_edited_is_contradicted_by_its_cases(mhx, undecided):
    """A spread of ten per cent told as nothing, and bound anew."""
    path = undecided.crosscheck / VALIDATION
    verdicts = read(path)["verdicts"]
    name = next(name for name in verdicts if "spread" in name and verdicts[name]["value"])
    verdicts[name]["value"] = 0.0
    edit(path, verdicts=verdicts)
    bound_whatever(undecided.crosscheck)
    refused(check(mhx, undecided), "convergence_crosscheck: .*(verdicts_recomputed|contradicted)")


def bound_whatever(bundle):
    """Bound as far as hashes go; what `verify` computes anew may still be wrong."""
    try:
        bound(bundle)
    except AssertionError:
        return


def rows_of_another_grid(bundle):
    """The coarsest grid given the rows of a finer one, so that they agree."""
    coarse, *_, fine = cases(bundle)
    with np.load(fine / "history.npz") as found:
        finer = {name: found[name].copy() for name in found.files if name != "schema"}
    kept = ("step", "time")
    alter(
        coarse / "history.npz",
        lambda a: a.update({n: v for n, v in finer.items() if n not in kept}),
    )


def cut_short(bundle):
    rows(cases(bundle)[0], lambda a: a.update({name: a[name][:-10] for name in a}))


def not_a_number(bundle):
    rows(cases(bundle)[0], scaled("kinetic_energy", 20, np.nan))


def another_last_state(bundle):
    alter(cases(bundle)[0] / "final_state.npz", lambda a: a.update(psi_hat=a["psi_hat"] * 1.001))


def the_first_row(bundle):
    rows(cases(bundle)[1], scaled("sheet_flux_0", 0, 0.9))


def energies_that_do_not_add_up(bundle):
    rows(cases(bundle)[1], scaled("kinetic_energy", 30, 1.01))


INCONSISTENT = {
    rows_of_another_grid: "row of the (initial|final) state is not what that state gives",
    cut_short: "the samples are not those of",
    not_a_number: "rows contradict themselves|finite_case_metrics",
    another_last_state: "row of the final state is not what that state gives",
    the_first_row: "row of the initial state is not what that state gives",
    energies_that_do_not_add_up: "rows contradict themselves",
}


@pytest.mark.parametrize("forge", INCONSISTENT, ids=lambda forge: forge.__name__)
def test_cases_that_contradict_themselves_are_refused_under_true_digests(mhx, undecided, forge):
    forge(undecided.crosscheck)
    bound_whatever(undecided.crosscheck)
    told = f"{INCONSISTENT[forge]}|contradicted: [^\n]+, its history says"
    refused(check(mhx, undecided), f"convergence_crosscheck[^\n]*({told})", (4,))


def early_rows(bundle, place):
    """Only what follows from nothing else; in the first samples."""
    later = slice(2, 20)
    rows(cases(bundle)[place], scaled("current_density_linf", later, 1 + 1e-6))


def late_rows(bundle, place):
    """The same near the end of the case, where a draw seldom goes."""
    later = slice(-30, -1)
    rows(cases(bundle)[place], scaled("current_density_linf", later, 1 + 1e-6))


@pytest.mark.parametrize("forge", [early_rows, late_rows], ids=lambda forge: forge.__name__)
def test_rows_of_a_case_are_integrated_again(mhx, undecided, forge):
    """The draw falls on the case that was altered."""
    forge(undecided.crosscheck, 2)
    rejudged(undecided.crosscheck, "convergence")
    drawn = read(undecided.crosscheck / "testbed_plan.json")["cases"]
    names = [Path(one["config_path"]).stem for one in drawn]
    draw = names.index(cases(undecided.crosscheck)[2].name)
    said = check(mhx, undecided, *convergence(undecided.crosscheck), draw=draw)
    refused(said, "case_reintegrated")


def test_a_step_that_was_not_halved_is_integrated_again(mhx, undecided):
    """dt/2 told with the rows of dt/4: no difference at all, which would pass as round-off."""
    bundle = undecided.convergence
    halves = sorted(
        (read(case / "manifest.json")["config"]["time"]["dt"], case)
        for case in cases(bundle)
        if len({tuple(read(case / "manifest.json")["config"]["mesh"]["shape"])}) == 1
    )
    (_, quarter), (_, half) = halves[:2]
    with np.load(quarter / "history.npz") as found:
        finer = {n: found[n].copy() for n in found.files if n not in ("schema", "step", "time")}
    rows(half, lambda a: a.update(finer))
    with np.load(quarter / "final_state.npz") as found:
        last = {n: found[n].copy() for n in ("psi_hat", "omega_hat", "psi", "omega")}
    alter(half / "final_state.npz", lambda a: a.update({n: v for n, v in last.items() if n in a}))
    rejudged(bundle, "convergence")
    names = [Path(one["config_path"]).stem for one in read(bundle / "testbed_plan.json")["cases"]]
    draw = names.index(half.name)
    refused(check(mhx, undecided, *convergence(bundle), draw=draw), "case_reintegrated")


# -- seeds -----------------------------------------------------------------------------------------


def test_a_seed_left_out_of_plan_and_tables_is_missed_by_the_journal(mhx, undecided):
    """Seven seeds that agree better than eight: the journal saw the eighth."""
    bundle = undecided.seeds
    left_out(bundle, cases(bundle)[3].name)
    bound_whatever(bundle)
    refused(check(mhx, undecided), "(is left out of the study|all_cases_kept|ensemble_size)")


def test_seven_seeds_are_too_few(mhx, undecided):
    bundle = undecided.root / "seven"
    words = listed(undecided.root, "seed_qi")
    words[words.index("--seeds") + 1] = "0,1,2,3,4,5,6"
    words[words.index("--outdir") + 1] = str(bundle)
    said = mhx(*words, "--share", undecided.seeds, cwd=undecided.root)
    assert said.code in (0, 1), said.text
    both = convergence(undecided.convergence, undecided.crosscheck)
    said = check(mhx, undecided, *both, "--seed-qi-dir", bundle)
    refused(said, "seven: ensemble_size")


def test_a_seed_told_as_another_does_not_start_like_it(mhx, undecided):
    """Seed 2 counted for seed 3 as well: its first row is not that of seed 3."""
    two, three = cases(undecided.seeds)[2:4]
    for name in ("history.npz", "final_state.npz"):
        (three / name).unlink()
        shutil.copy2(two / name, three / name)
    bound_whatever(undecided.seeds)
    told = (
        "row of the initial state is not what that state gives|seed_3 is [^\n]+, its history says"
    )
    refused(check(mhx, undecided), told, (4,))


def test_a_study_is_not_planned_anew_over_another(mhx, undecided):
    """Other seeds into the same folder, once the first ones were seen."""
    words = listed(undecided.root, "seed_qi")
    words[words.index("--seeds") + 1] = "10,11,12,13,14,15,16,17"
    refused(mhx(*words, cwd=undecided.root), "another study|other", (2,))


# -- between the check and the claim, and after it -------------------------------------------------


def test_evidence_exchanged_after_the_check_supports_no_claim(mhx, undecided):
    """Bound anew, so that nothing is wrong with it: it is not what was judged."""
    rows(cases(undecided.crosscheck)[2], scaled("current_density_linf", -5, 1 + 1e-6))
    rejudged(undecided.crosscheck, "convergence")
    not_claimed(mhx, undecided, "convergence_crosscheck is not (the one that|what) was judged")


def test_evidence_that_is_gone_after_the_check_supports_no_claim(mhx, undecided):
    shutil.rmtree(undecided.seeds)
    not_claimed(mhx, undecided, "seed_qi")


@pytest.mark.parametrize("name", ["convergence_main", "seed_qi"])
def test_evidence_altered_after_the_claim_takes_it_away(mhx, claimed, name):
    """The run itself is untouched; `mhx verify` of the run walks to what it rests on."""
    bundle = claimed.convergence if name == "convergence_main" else claimed.seeds
    rows(cases(bundle)[1], scaled("current_density_linf", 5, 2.0))
    refused(mhx("verify", claimed.run), name, (4,))


def test_evidence_removed_after_the_claim_takes_it_away(mhx, claimed):
    shutil.rmtree(claimed.crosscheck)
    refused(mhx("verify", claimed.run), "convergence_crosscheck", (4,))


def test_evidence_behind_a_link_is_followed_and_hashed(mhx, claimed, tmp_path):
    """The folder is moved away and linked back; then altered where it lies."""
    place = tmp_path / "elsewhere"
    os.rename(claimed.crosscheck, place)
    claimed.crosscheck.symlink_to(place)
    rows(cases(place)[1], scaled("current_density_linf", 5, 2.0))
    refused(mhx("verify", claimed.run), "convergence_crosscheck", (4,))


def test_evidence_in_a_folder_that_no_list_covers_is_hashed_all_the_same(mhx, undecided):
    """`attempts/` is left out of every list: evidence there is refused, or hashed all the same."""
    hidden = undecided.run / "attempts" / "crosscheck"
    shutil.move(undecided.crosscheck, hidden)
    said = check(
        mhx, undecided, *convergence(undecided.convergence, hidden), "--seed-qi-dir",
        undecided.seeds,
    )  # fmt: skip
    if said.code:
        refused(said, "attempts")
        return
    said = claim(mhx, undecided)
    if said.code:
        refused(said, "attempts/crosscheck")
        return
    rows(cases(hidden)[1], scaled("current_density_linf", 5, 2.0))
    refused(mhx("verify", undecided.run), "attempts/crosscheck", (4,))
