"""Evidence bundles as folders: what is counted, what is refused, what is said of it.

What their cases give is made here (`content`); how cases are judged: `rutherford/studies`.
"""

from pathlib import Path

import pytest

from mhx.campaigns import bundles as finding
from mhx.campaigns.bundles import Given, find_bundles
from mhx.campaigns.folder import RunFolder
from mhx.campaigns.plan import read_plan
from mhx.campaigns.rutherford import promotion
from mhx.campaigns.rutherford.evidence import About
from mhx.campaigns.rutherford.restart_check import RestartCheck
from mhx.campaigns.rutherford.studies.bundle import ARRAYS
from mhx.campaigns.supporting import Content, words
from mhx.errors import EvidenceError
from mhx.evidence import manifest, schemas, store
from mhx.evidence.gates import Gate, judge_all, validation_document
from mhx.evidence.provenance import provenance
from mhx.evidence.verify import verify
from mhx.reconnection.arrays import write_arrays

from .forger import edit, read

pytestmark = pytest.mark.usefixtures("swift")


@pytest.fixture(autouse=True)
def _not_repeated(monkeypatch):
    """Stretches integrated again are another file's business."""
    unasked = RestartCheck(stretches=(), reason="not asked for in this test")
    monkeypatch.setattr(promotion, "restart_check", lambda *words: unasked)


GATE = Gate(name="resolution_converged", metric="difference", high=0.01, reason="converged")


def bundle(folder: Path, plan, *, schema=schemas.CONVERGENCE, family=None, word="one") -> Path:
    """A folder that is consistent in itself, with verdicts that pass; no case was ever run."""
    numbers = {"difference": 1e-3}
    verdict = validation_document(
        schemas.gates_of(schema), judge_all([GATE], numbers), {"word": word, **numbers}
    )
    store.write_json(folder / "validation.json", verdict)
    write_arrays(folder / ARRAYS[schema], schema, {})
    made = manifest.Manifest(
        kind="bundle",
        config={},
        files=manifest.describe(folder, ["validation.json", ARRAYS[schema]]),
        provenance=provenance(),
        claim={
            "claim_level": "validation",
            "claim_scope": "by hand",
            "family_digest": family or plan.family_digest,
        },
    )
    manifest.write_manifest(folder, made)
    manifest.write_artifact_manifest(folder)
    return folder


def false_bundle(folder: Path, plan, schema=schemas.CONVERGENCE) -> Path:
    """Three JSON files as somebody would type them, with digests that are none."""
    store.write_json(
        folder / "validation.json", {"schema": schemas.gates_of(schema), "passed": True}
    )
    stated = {"path": "validation.json", "sha256": "0" * 64, "size_bytes": 1}
    store.write_json(
        folder / "artifact_manifest.json",
        {"schema": schemas.ARTIFACTS, "files": [stated, {**stated, "path": "manifest.json"}]},
    )
    store.write_json(
        folder / "manifest.json",
        {
            "schema": schemas.MANIFEST,
            "claim_level": "validation",
            "family_digest": plan.family_digest,
            "outputs": {"validation": "validation.json"},
            "hashes": {"validation": "0" * 64},
        },
    )
    return folder


def content(name: str = "one", difference: float | None = 1e-3, **changed) -> Content:
    """What the cases of a good bundle give, but for what is `changed`."""
    good = {
        "results": judge_all([GATE], {"difference": difference}),
        "cases": {"a": f"{name} a", "b": f"{name} b"},
        "repeated": {"case": "a", "difference": 0.0, "passed": True},
        "covers": {
            "resolutions": [(64, 64), (96, 96), (128, 128)],
            "time_steps": [0.01, 0.02, 0.04],
            "seeds": list(range(8)),
            "noise_to_seed_ratio": [0.05],
            "values": [0.35, 0.4, 0.45],
            "grids": [(8, 8)],
            "steps": [1.0],
            "apart": [[8, 8, 0.0]],
        },
    }
    return Content(**{**good, **changed})


@pytest.fixture(autouse=True)
def given_contents(monkeypatch):
    """Contents by the name of a folder, for tests that want another than a good one."""
    contents: dict[str, Content] = {}

    def rejudge(self, path, what):
        found = contents.get(path.name) or content(str(read(path / "validation.json")))
        if isinstance(found, Exception):
            raise found
        return found

    monkeypatch.setattr(About, "rejudge", rejudge)
    return contents


@pytest.fixture
def plan(finished):
    return read_plan(RunFolder(finished))


def found(run, **given):
    family = read_plan(RunFolder(run)).family_digest
    about = About.__new__(About)  # its rejudging is made above
    return find_bundles(RunFolder(run), family, Given(**given), about.rejudge)


def check(run, **flags):
    answer = promotion.check(run, promotion.Options(**flags))
    return answer, {result.gate.name: result.verdict.value for result in answer.results}


# -- forged folders ----------------------------------------------------------------------------


def test_three_folders_of_json_with_false_hashes_are_altered_evidence(finished, plan, tmp_path):
    one, two = (false_bundle(tmp_path / name, plan) for name in ("one", "two"))
    seeds = false_bundle(tmp_path / "seeds", plan, schemas.SEED_ROBUST_QI)
    answer, verdicts = check(finished, convergence_dir=[one, two], seed_qi_dir=seeds)
    assert answer.exit_code == EvidenceError.exit_code
    for place in (one, two, seeds):
        assert any(
            f"../{place.name}" in fault and "manifest.json" in fault
            for fault in answer.document["altered"]
        )
    assert verdicts["convergence_bundle_count"] == "fail"
    assert {verdicts["convergence_bundles_passed"], verdicts["seed_qi_bundle_passed"]} == {"fail"}


@pytest.mark.parametrize("name", ["validation.json", "manifest.json", "artifact_manifest.json"])
def test_one_edited_file_of_a_bundle_is_named(finished, plan, tmp_path, name):
    place = bundle(tmp_path / "one", plan)
    edit(place / name, extra=1)
    answer, verdicts = check(finished, convergence_dir=[place])
    assert answer.exit_code == EvidenceError.exit_code
    assert any(name in fault for fault in answer.document["altered"])
    assert verdicts["convergence_bundles_passed"] == "fail"


def test_a_file_that_nobody_lists_is_named(finished, plan, tmp_path):
    place = bundle(tmp_path / "one", plan)
    (place / "added.npz").write_bytes(b"later")
    bundles = found(finished, convergence=[place])
    assert bundles.problems == [f"../{place.name}: unexpected: added.npz"]


def test_a_link_out_of_a_bundle_is_refused(finished, plan, tmp_path):
    place = bundle(tmp_path / "one", plan)
    (tmp_path / "elsewhere.json").write_bytes((place / "validation.json").read_bytes())
    (place / "validation.json").unlink()
    (place / "validation.json").symlink_to(tmp_path / "elsewhere.json")
    answer, verdicts = check(finished, convergence_dir=[place])
    assert any("a link that leaves the folder" in fault for fault in answer.document["altered"])
    assert (answer.exit_code, verdicts["convergence_bundle_count"]) == (4, "fail")


def test_evidence_that_holds_passes_every_gate_on_it(finished, plan, tmp_path):
    places = [bundle(tmp_path / word, plan, word=word) for word in ("one", "two")]
    seeds = bundle(tmp_path / "seeds", plan, schema=schemas.SEED_ROBUST_QI)
    answer, verdicts = check(finished, convergence_dir=places, seed_qi_dir=seeds)
    assert answer.document["altered"] == []
    for name in (
        *("convergence_bundle_count", "convergence_bundles_passed", "convergence_axes_covered"),
        *("evidence_matches_run", "seed_qi_bundle_present", "seed_qi_bundle_passed"),
    ):
        assert verdicts[name] == "pass", name
    report = read(finished / "promotion/promotion_readiness.json")
    assert report["evidence_scope"]["resolutions"] == [[64, 64], [96, 96], [128, 128]]
    assert set(report["evidence_digests"]) == {"../one", "../two", "../seeds"}
    robust = next(a for a in report["reviewer_answers"] if a["id"] == "robustness")
    assert robust["status"] == "answered"
    assert "8 seeds (0 .. 7), noise/seed 0.05" in robust["answer"]
    assert robust["files"] == ["../one/cases", "../two/cases", "../seeds/cases"]


def test_without_evidence_its_gates_are_unknown_or_fail(finished):
    _, verdicts = check(finished)
    assert verdicts["convergence_bundle_count"] == verdicts["seed_qi_bundle_present"] == "fail"
    for name in (
        *("convergence_bundles_passed", "convergence_axes_covered", "evidence_matches_run"),
        "seed_qi_bundle_passed",
    ):
        assert verdicts[name] == "unknown", name


REFUSED = {
    "a gate fails when its cases are judged": ({"difference": 0.5}, "resolution_converged fail"),
    "a gate is unknown": ({"difference": None}, "resolution_converged unknown"),
    "nothing was judged": ({"results": ()}, "verdicts_recomputed"),
    "it states what its cases do not give": (
        {"contradicted": ["states difference 0.001, its cases give 0.5"]},
        "its cases give 0.5",
    ),
    "a case differs when it is integrated again": (
        {"repeated": {"case": "a", "difference": 1e-3, "passed": False}},
        "case_reintegrated",
    ),
    "nothing was integrated again": ({"repeated": {}}, "case_reintegrated"),
    "a case was left out": (
        {"left_out": ["case seed_7 was carried out and is left out of the study"]},
        "seed_7",
    ),
    "bounds were relaxed": (
        {"relaxed": ["waiver max_resolution_difference 0.5"]},
        "waiver max_resolution_difference 0.5",
    ),
}


@pytest.mark.parametrize(("changed", "named"), REFUSED.values(), ids=REFUSED)
def test_what_keeps_a_bundle_from_being_evidence_is_named(
    finished, plan, tmp_path, given_contents, changed, named
):
    place = bundle(tmp_path / "one", plan)
    seeds = bundle(tmp_path / "seeds", plan, schema=schemas.SEED_ROBUST_QI)
    given_contents["one"] = given_contents["seeds"] = content(**changed)
    bundles = found(finished, convergence=[place], seeds=seeds)
    metrics = bundles.metrics()
    assert metrics["failed_convergence_gates"] > 0 and metrics["failed_seed_gates"] > 0
    for name in ("one", "seeds"):
        told = [line for line in bundles.told if line.startswith(f"../{name}: ")]
        assert any(named in line for line in told), told


def test_altered_cases_are_altered_evidence(finished, plan, tmp_path, given_contents):
    place = bundle(tmp_path / "one", plan)
    given_contents["one"] = content(altered=["a: history.npz: row 0 is not that of its state"])
    answer, verdicts = check(finished, convergence_dir=[place])
    assert answer.exit_code == EvidenceError.exit_code
    assert answer.document["altered"] == ["../one: a: history.npz: row 0 is not that of its state"]
    assert verdicts["convergence_bundle_count"] == "fail"


def test_cases_that_cannot_be_read_are_altered_evidence(finished, plan, tmp_path, given_contents):
    place = bundle(tmp_path / "one", plan)
    given_contents["one"] = EvidenceError("testbed_plan.json is torn")
    answer, verdicts = check(finished, convergence_dir=[place])
    assert answer.document["altered"] == ["../one: unreadable: testbed_plan.json is torn"]
    assert (answer.exit_code, verdicts["convergence_bundles_passed"]) == (4, "fail")


@pytest.mark.parametrize("kind", ["foreign", "unmatched"])
def test_cases_about_another_run_fail_the_gate_that_binds_them(
    finished, plan, tmp_path, given_contents, kind
):
    place = bundle(tmp_path / "one", plan)
    seeds = bundle(tmp_path / "seeds", plan, schema=schemas.SEED_ROBUST_QI)
    given_contents["seeds"] = content(**{kind: ["case s0 has resistivity = 0.1, the run 0.01"]})
    bundles = found(finished, convergence=[place], seeds=seeds)
    assert bundles.metrics()["evidence_mismatches"] == 1
    assert "../seeds: case s0 has resistivity = 0.1, the run 0.01" in bundles.told


def test_a_bundle_that_fails_its_own_gates_fails(finished, plan, tmp_path):
    place = bundle(tmp_path / "one", plan)
    verdict = read(place / "validation.json")
    verdict["verdicts"]["resolution_converged"] |= {"value": 0.5, "verdict": "fail"}
    verdict |= {"passed": False, "checks": {"resolution_converged": False}}
    verdict["diagnostics"]["difference"] = 0.5
    store.write_json(place / "validation.json", verdict)
    described = manifest.describe(place, ["validation.json", ARRAYS[schemas.CONVERGENCE]])
    claim = {"claim_level": "validation", "family_digest": plan.family_digest}
    made = manifest.Manifest(kind="bundle", config={}, files=described, claim=claim)
    manifest.write_manifest(place, made)
    manifest.write_artifact_manifest(place)
    (one,) = found(finished, convergence=[place]).convergence
    assert "validation_passed" in one.failed
    assert found(finished, convergence=[place]).metrics()["failed_convergence_gates"] >= 1


# -- what counts -------------------------------------------------------------------------------


def test_the_same_folder_twice_counts_once(finished, plan, tmp_path):
    place = bundle(tmp_path / "one", plan)
    bundles = found(finished, convergence=[place, place])
    assert bundles.metrics()["convergence_bundles"] == 1
    assert bundles.convergence[1].failed == ["content_distinct"]


SHARES = {
    "the same cases": ({"a": 1, "b": 2}, 1),
    "some of them": ({"a": 1}, 1),
    "all of them, and one more": ({"a": 1, "b": 2, "c": 3}, 1),
    "one of them and another": ({"b": 2, "c": 3}, 2),
    "others": ({"c": 3, "d": 4}, 2),
    "none": ({}, 1),
}


@pytest.mark.parametrize(("cases", "count"), SHARES.values(), ids=SHARES)
def test_a_bundle_counts_by_the_cases_that_it_adds(
    finished, plan, tmp_path, given_contents, cases, count
):
    places = [bundle(tmp_path / name, plan, word=name) for name in ("one", "two")]
    given_contents["one"] = content(cases={"a": 1, "b": 2})
    given_contents["two"] = content(cases=cases)
    assert found(finished, convergence=places).metrics()["convergence_bundles"] == count


def test_a_copy_under_another_name_counts_once(finished, plan, tmp_path):
    places = [bundle(tmp_path / name, plan) for name in ("one", "two")]
    assert found(finished, convergence=places).metrics()["convergence_bundles"] == 1


def test_another_family_is_refused_by_name(finished, plan, tmp_path, given_contents):
    place = bundle(tmp_path / "other_eta", plan, family="e" * 64)
    given_contents["other_eta"] = content(foreign=["case a has resistivity = 0.1, the run 0.01"])
    answer, verdicts = check(finished, convergence_dir=[place])
    assert verdicts["convergence_bundle_count"] == verdicts["evidence_matches_run"] == "fail"
    told = [text for text in answer.details if text.startswith("no evidence: ../other_eta")]
    assert "family_matches" in told[0] and "resistivity" in told[1]


@pytest.mark.parametrize("flag", ["convergence_dir", "seed_qi_dir", "width_sweep_dir"])
def test_a_missing_folder_is_named_and_is_no_evidence(finished, tmp_path, flag):
    place = tmp_path / "nowhere"
    given = [place] if flag == "convergence_dir" else place
    answer, verdicts = check(finished, **{flag: given}, require_sweeps=True)
    assert answer.exit_code == 1
    assert any("../nowhere" in line and "directory_exists" in line for line in answer.details)
    assert verdicts["seed_qi_bundle_present"] == "fail"
    gate = {
        "convergence_dir": "convergence_bundles_passed",
        "seed_qi_dir": "seed_qi_bundle_passed",
        "width_sweep_dir": "width_aspect_sweep_passed",
    }[flag]
    assert verdicts[gate] == "fail"


def test_a_run_is_no_bundle_also_not_of_itself(finished):
    check(finished)
    bundles = found(finished, convergence=[finished, finished / "promotion"], seeds=finished)
    assert bundles.metrics()["convergence_bundles"] == 0
    assert bundles.metrics()["missing_seed_bundles"] == 1
    assert all("bundle_kind_matches" in one.failed for one in bundles.every)


def test_a_convergence_bundle_is_no_seed_bundle(finished, plan, tmp_path):
    place = bundle(tmp_path / "one", plan)
    bundles = found(finished, seeds=place, width_sweep=place)
    assert bundles.metrics()["missing_seed_bundles"] == 1
    assert "bundle_kind_matches" in bundles.sweeps["width"].failed


# -- where they lie ----------------------------------------------------------------------------


def test_bundles_in_the_run_are_found_and_named_from_there(finished, plan):
    bundle(finished / "convergence/resolution_sweep", plan, word="a")
    bundle(finished / "convergence/timestep_sweep", plan, word="b")
    bundle(finished / "seed_qi", plan, schema=schemas.SEED_ROBUST_QI)
    bundles = found(finished)
    assert set(bundles.digests) == {
        "convergence/resolution_sweep",
        "convergence/timestep_sweep",
        "seed_qi",
    }
    assert bundles.metrics()["convergence_bundles"] == 2
    answer, _ = check(finished)
    assert answer.document["altered"] == []
    assert read(finished / "promotion/promotion_readiness.json")["convergence_dirs"] == [
        "convergence/resolution_sweep",
        "convergence/timestep_sweep",
    ]


def test_relative_paths_are_stored_from_the_run_and_absolute_ones_as_given(
    finished, plan, tmp_path, monkeypatch
):
    inside = bundle(finished / "convergence/one", plan, word="a")
    outside = bundle(tmp_path / "two", plan, word="b")
    monkeypatch.chdir(tmp_path)
    bundles = found(finished, convergence=[inside, Path("two"), outside])
    assert [one.path for one in bundles.convergence] == ["convergence/one", "../two", "../two"]
    assert finding.stated(Path("/data/two"), finished) == "/data/two"


SCOPES = {
    "nothing": ({}, "no evidence from other runs"),
    "one of each": (
        {"resolutions": [(64, 32)], "time_steps": [0.5], "seeds": [3]},
        "1 resolution (64 x 32), 1 time step (0.5), 1 seed (3)",
    ),
    "all": (
        {
            "resolutions": [(64, 64), (96, 96)],
            "time_steps": [0.01, 0.02],
            "seeds": [0, 1, 2],
            "noise_to_seed_ratio": [0.05],
            "sweeps": {"width": [0.3, 0.4]},
        },
        "2 resolutions (64 x 64 .. 96 x 96), 2 time steps (0.01 .. 0.02), 3 seeds (0 .. 2), "
        "noise/seed 0.05, width sweep over 0.3, 0.4",
    ),
    "a sweep that ends before the run": (
        {"sweeps": {"width": [0.3, 0.4]}, "sweep_ends": {"width": 30.0}},
        "width sweep over 0.3, 0.4 to t = 30",
    ),
}


@pytest.mark.parametrize(("scope", "told"), SCOPES.values(), ids=SCOPES)
def test_a_scope_is_told_in_words(scope, told):
    empty = dict.fromkeys(("resolutions", "time_steps", "seeds", "noise_to_seed_ratio"), ())
    assert words({**empty, "sweeps": {}, **scope}) == told


STRANGE = {
    "no list of files": ("artifact_manifest.json", {"files": None}),
    "files in words": ("artifact_manifest.json", {"files": ["validation.json", 3, None]}),
    "a path that is a list": ("artifact_manifest.json", {"files": [{"path": ["a"]}]}),
    "a path upwards": (
        "artifact_manifest.json",
        {"files": [{"path": "../../etc/passwd", "sha256": "0" * 64}]},
    ),
    "a digest that is a list": ("manifest.json", {"digest": []}),
    "a level that is a table": ("manifest.json", {"claim_level": {}}),
    "verdicts in words": ("validation.json", {"verdicts": "all pass"}),
    "outputs in words": ("manifest.json", {"outputs": "all"}),
    "a schema of tomorrow": ("manifest.json", {"schema": "mhx.manifest.v2"}),
}


@pytest.mark.parametrize(("name", "changes"), STRANGE.values(), ids=STRANGE)
def test_strange_bundles_are_named_and_never_crash(finished, plan, tmp_path, name, changes):
    place = bundle(tmp_path / "one", plan)
    edit(place / name, **changes)
    bundles = found(finished, convergence=[place], seeds=place, width_sweep=place)
    assert any(name in problem for problem in bundles.problems)
    assert bundles.metrics()["convergence_bundles"] == 0


def test_a_folder_without_manifests_is_named(finished, tmp_path):
    (tmp_path / "empty").mkdir()
    bundles = found(finished, convergence=[tmp_path / "empty"])
    assert "nothing to verify" in bundles.problems[0]
    (tmp_path / "file").write_text("mine")
    (one,) = found(finished, convergence=[tmp_path / "file"]).convergence
    assert "directory_exists" in one.failed


def test_a_bundle_altered_after_the_check_is_found_by_verify(finished, plan):
    place = bundle(finished / "convergence/one", plan)
    check(finished)
    edit(place / "validation.json", extra=1)
    assert "convergence/one/validation.json" in {f.path for f in verify(finished).problems}
