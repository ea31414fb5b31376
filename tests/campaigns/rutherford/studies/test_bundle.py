"""A bundle as it is concluded, and as it is judged again: real cases, tiny ones."""

import shlex
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from mhx.campaigns.rutherford.studies import bundle, figures, flags, rejudging, testbeds
from mhx.campaigns.rutherford.studies.rejudging import rejudged
from mhx.campaigns.rutherford.studies.study import SEEDS
from mhx.config import to_toml
from mhx.evidence import manifest, schemas, store
from mhx.evidence.store import write_text
from mhx.evidence.verify import verify
from mhx.reconnection.arrays import read_arrays
from mhx.testbed.launcher import Options, run_testbed

from ...forger import alter, edit, read

pytestmark = pytest.mark.slow

THREE = {
    "width": 0.45,
    "eta": 8e-3,
    "nu": 8e-3,
    "perturbation_amplitude": 4e-3,
    "seeds": "0,1,2",
    "nx": 16,
    "ny": 16,
    "t_end": 8.0,
}


def study(outdir: Path, **changes):
    return flags.study_of(flags.Seeds(outdir=outdir, **(THREE | changes)))


@pytest.fixture(scope="session")
def concluded(tmp_path_factory):
    """Three seeds on 16 x 16 points; never touched by a test."""
    asked = study(tmp_path_factory.mktemp("studies") / "seeds")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(figures, "draw", lambda *a: [])
        run_testbed(testbeds.write(asked), Options(backend="inline"))
        bundle.conclude(asked)
    return asked.outdir


@pytest.fixture
def folder(concluded, tmp_path, monkeypatch):
    """A copy of the concluded bundle."""
    monkeypatch.setattr(figures, "draw", lambda *a: [])
    return Path(shutil.copytree(concluded, tmp_path / "seeds"))


def again(folder: Path, **changes):
    """The study of a folder, concluded anew."""
    asked = study(folder)
    return bundle.conclude(replace(asked, **changes) if changes else asked)


def judged(folder: Path, **bounds):
    return rejudged(folder, SEEDS, bounds)


def case_of(folder: Path, name: str) -> Path:
    return next(path for path in (folder / "cases").iterdir() if path.name.startswith(name))


def cases_in(folder: Path) -> list[str]:
    return [case["id"] for case in read(folder / "diagnostics.json")["cases"]]


# -- what is written ---------------------------------------------------------------------------


def test_a_bundle_verifies_and_says_what_it_is(folder):
    assert verify(folder).problems == []
    stated = read(folder / "manifest.json")
    assert (stated["kind"], stated["claim_level"]) == ("bundle", "validation")
    told = read(folder / "diagnostics.json")
    assert stated["family_digest"] == told["family_digest"]
    assert stated["case_digests"] == {one["id"]: one["config_digest"] for one in told["cases"]}
    assert len(stated["case_digests"]) == 3 and len(stated["code_digest"]) == 64
    assert {one["seed"] for one in told["cases"]} == {0, 1, 2}
    assert told["schema"] == schemas.SEED_ROBUST_QI
    gates = read(folder / "validation.json")
    assert gates["schema"] == schemas.gates_of(schemas.SEED_ROBUST_QI)
    assert gates["checks"]["unique_seeds"] and told["passed"] is gates["passed"]
    assert told["would_serve_a_claim"] is False
    assert any("ensemble_size fail" in line for line in told["gates_missing_for_a_claim"])
    arrays = read_arrays(folder / "ensemble.npz", schemas.SEED_ROBUST_QI)
    assert sorted(arrays["seeds"]) == [0, 1, 2]


def test_concluding_again_gives_the_same_identity_and_a_folder_that_verifies(folder):
    before = read(folder / "manifest.json")["digest"]
    again(folder)
    assert read(folder / "manifest.json")["digest"] == before
    assert verify(folder).problems == []


def test_a_bundle_stands_for_its_own_study_while_nothing_is_altered(folder):
    asked = study(folder)
    answer = bundle.standing(asked)
    assert answer is not None and answer.headline.startswith("nothing to do")
    assert answer.details == again(folder).details
    assert any(line.startswith("case seed_0: spectral_tail") for line in answer.details)
    assert answer.exit_code == int(not read(folder / "validation.json")["passed"])
    assert bundle.standing(replace(asked, bounds={**asked.bounds, "min_seeds": 3})) is None
    edit(folder / "diagnostics.json", extra=1)
    assert bundle.standing(asked) is None


def test_other_code_does_not_vouch_for_a_bundle(folder, monkeypatch):
    monkeypatch.setattr(bundle, "code_digest", lambda: "0" * 64)
    assert bundle.standing(study(folder)) is None


def test_the_next_command_can_be_typed_whatever_the_folder_is_called(folder):
    there = folder.with_name("it's a folder")
    folder.rename(there)
    assert shlex.split(bundle.conclude(study(there)).next) == ["mhx", "verify", str(there)]


def test_a_case_that_is_gone_is_told_and_fails(folder):
    shutil.rmtree(case_of(folder, "seed_1"))
    answer = again(folder)
    failed = {result.gate.name for result in answer.not_passed}
    assert answer.exit_code == 1 and "all_planned_seeds_present" in failed
    assert any(line.startswith("case seed_1: ") for line in answer.details)
    assert bundle.standing(study(folder)) is None


def test_a_looser_bound_is_a_waiver_in_the_manifest(folder):
    asked = study(folder)
    bundle.conclude(replace(asked, bounds={**asked.bounds, "max_seed_spread": 0.9}))
    (row,) = read(folder / "manifest.json")["waivers"]
    assert (row["production_bound"], row["used_bound"], row["where"]) == (0.2, 0.9, "study")
    (told, stored) = judged(folder).relaxed
    assert "0.9" in told and "recorded" in stored


def test_a_sheet_without_a_width_runs_nothing_and_passes_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(figures, "draw", lambda *a: [])
    sweep = flags.Sweep(outdir=tmp_path / "width", equilibrium="cosine_tearing", sweep_axis="width")
    asked = flags.study_of(sweep)
    testbeds.write(asked)
    answer = bundle.conclude(asked)
    assert answer.exit_code == 1 and answer.details[0].startswith("nothing ran: ")
    assert all(not result.passed for result in answer.results)
    assert verify(tmp_path / "width").problems == []


# -- judged again ------------------------------------------------------------------------------


def test_an_honest_bundle_is_judged_as_it_states(folder):
    found = judged(folder)
    assert (list(found.problems), found.contradicted, found.left_out) == ([], [], [])
    assert found.relaxed == [] and len(found.codes) == 1
    assert found.repeated is not None and found.repeated.passed
    assert found.repeated.limit == 0.0  # this machine wrote it: to the last bit
    assert {one["noise_amplitude"] for one in found.families.values()} == {2e-4}
    assert len(set(found.contents.values())) == 3


def test_the_bounds_are_those_of_a_claim_and_not_its_own(folder):
    gates = {result.gate.name: result for result in judged(folder).judged.results}
    assert gates["ensemble_size"].gate.low == 8 and not gates["ensemble_size"].passed
    few = {result.gate.name: result for result in judged(folder, min_seeds=3).judged.results}
    assert few["ensemble_size"].passed


def reseal(folder: Path, **changed) -> None:
    """Both manifests of a bundle anew, so that no hash is wrong."""
    stated = read(folder / "manifest.json")
    places = {name: stated["outputs"].get(name, name) for name in stated["hashes"]}
    described = manifest.describe(folder, places.values())
    claim = {key: stated[key] for key in ("claim_level", "claim_scope", "waivers")}
    claim |= {key: stated[key] for key in ("family_digest", "case_digests")}
    made = manifest.Manifest(
        kind="bundle",
        config=stated["config"],
        files={name: described[name] for name in stated["identity"]},
        figures={n: d for n, d in described.items() if n not in stated["identity"]},
        provenance={"code_digest": stated["code_digest"]},
        claim=claim | changed,
    )
    manifest.seal(folder, made)


def test_a_value_that_was_typed_in_is_told_from_what_the_cases_give(folder):
    stored = read(folder / "validation.json")
    row = stored["verdicts"]["linear_growth_rate_passed"]
    row |= {"value": 1e-3, "verdict": "pass"}
    stored["diagnostics"][row["metric"]] = 1e-3
    stored["checks"]["linear_growth_rate_passed"] = True
    store.write_json(folder / "validation.json", stored)
    reseal(folder)
    (told,) = judged(folder).contradicted
    assert f"states {row['metric']} 0.001, its cases give" in told


def test_a_verdict_that_was_taken_out_is_named(folder):
    stored = read(folder / "validation.json")
    for table in ("verdicts", "checks", "thresholds"):
        stored[table].pop("ensemble_size")
    store.write_json(folder / "validation.json", stored)
    reseal(folder)
    assert "states no verdict on ensemble_size" in judged(folder).contradicted


def test_a_manifest_of_other_cases_or_another_family_is_contradicted(folder):
    reseal(folder, case_digests={"seed_0": "0" * 64}, family_digest="f" * 64)
    told = judged(folder).contradicted
    assert told == [
        "its manifest states other cases than those in its folder",
        "its manifest states a family that none of its cases has",
    ]


def test_the_first_row_of_a_case_is_that_of_its_initial_state(folder):
    place = case_of(folder, "seed_0")
    alter(place / "history.npz", lambda arrays: arrays["sheet_flux_0"].__setitem__(0, 1e-5))
    rehashed(place)
    assert any(told.startswith("seed_0: ") for told in judged(folder).problems)


def test_a_middle_row_is_found_where_the_draw_falls_on_its_case(folder, monkeypatch):
    def change(arrays):
        arrays["kinetic_energy"][4] *= 1 + 1e-9
        arrays["total_energy"][4] = arrays["magnetic_energy"][4] + arrays["kinetic_energy"][4]

    alter(case_of(folder, "seed_1") / "history.npz", change)
    rehashed(case_of(folder, "seed_1"))
    for name, passes in (("seed_1", False), ("seed_0", True)):
        drawn = [one for one in ("seed_0", "seed_1") if one == name]
        monkeypatch.setattr(
            rejudging.secrets,
            "choice",
            lambda runs, d=drawn: next(run for run in runs if run.id == d[0]),
        )
        found = judged(folder)
        assert found.repeated.case == name and found.repeated.passed is passes


def rehashed(place: Path) -> None:
    """The manifests of a case anew, so that no hash of it is wrong."""
    stated = read(place / "manifest.json")
    described = manifest.describe(place, stated["hashes"])
    keys = ("git", "code_digest", "dependencies", "device", "dtype", "claim_level")
    made = manifest.Manifest(
        kind="case",
        config=stated["config"],
        files={name: described[name] for name in stated["identity"]},
        figures={n: d for n, d in described.items() if n not in stated["identity"]},
        provenance={key: stated.get(key) for key in keys},
    )
    manifest.seal(place, made)


def test_a_seed_that_was_carried_out_and_is_left_out_is_named(folder):
    """Two seeds are planned anew in the folder of three; the journal remembers the third."""
    fewer = study(folder, seeds="0,1")
    write_text(folder / "testbed.toml", to_toml(testbeds.testbed_of(fewer)))
    run_testbed(folder / "testbed.toml", Options(backend="inline"))
    bundle.conclude(fewer)
    assert len(cases_in(folder)) == 2
    assert judged(folder).left_out == ["case seed_2 was carried out and is left out of the study"]


def test_a_study_of_which_nothing_can_run_is_judged_again_and_proves_nothing(tmp_path):
    """The cosine sheet has no width: every gate is unknown, and nothing is missing or altered."""
    sweep = flags.study_of(flags.Sweep(equilibrium="cosine_tearing", outdir=tmp_path / "s"))
    testbeds.write(sweep)
    assert bundle.conclude(sweep).exit_code == 1
    assert verify(sweep.outdir).problems == []
    found = rejudged(sweep.outdir, sweep.kind, dict(sweep.bounds))
    assert found.judged.results and {r.verdict.value for r in found.judged.results} == {"unknown"}
    assert not (found.problems or found.contradicted or found.left_out)


def test_saying_that_nothing_can_run_does_not_hide_cases(folder):
    """A plan that is there is read, whatever the diagnostics say."""
    edit(folder / "diagnostics.json", unavailable="no reason")
    assert rejudged(folder, SEEDS, {}).cases.runs
