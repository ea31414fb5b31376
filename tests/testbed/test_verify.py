"""A testbed verified with `mhx verify`, and with nothing but a plain Python."""

import hashlib
import json
import shutil
import subprocess
import sys
from dataclasses import replace

import pytest

from mhx.errors import ConfigError
from mhx.evidence.manifest import Manifest, describe, seal
from mhx.evidence.store import write_json
from mhx.evidence.verify import verify, wrong_matrix
from mhx.testbed.launcher import Options, plan_testbed, run_testbed
from mhx.testbed.page.reporting import report_testbed
from mhx.testbed.records import CASES, MANIFEST, METRICS, UNSEALED, render, sealed
from mhx.testbed.running.journal import JOURNAL, PLAN

INLINE = Options(backend="inline")
SKIPPED = {"attempts", "superseded"}


@pytest.fixture
def root(tmp_path):
    return tmp_path / "testbed" / "k"


def evidence(root):
    return sorted(
        path
        for path in root.rglob("*")
        if path.is_file()
        and not SKIPPED & set(path.relative_to(root).parts)
        and not path.name.startswith(".lock")
    )


def test_every_altered_byte_is_found(file, root):
    failing = (
        '\n[[testbed.case]]\nid = "x"\nchanges = ["probe"]\n'
        'overlay = { probe = { fault = "solver" } }\n'
    )
    run_testbed(file(extra=failing), INLINE)
    assert verify(root).problems == []
    files = [path for path in evidence(root) if "cases/x/" not in path.as_posix()]
    assert len(files) > 30
    for path in files:
        content = path.read_bytes()
        place = len(content) // 2
        path.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
        report = verify(root)
        assert report.exit_code == 4, path
        path.write_bytes(content)
    assert verify(root).exit_code == 0


@pytest.mark.parametrize("name", [CASES, JOURNAL, "cases/line_2/manifest.json", "verify.py"])
def test_a_lost_file_is_found(name, file, root):
    run_testbed(file(), INLINE)
    (root / name).unlink()
    report = verify(root)
    assert report.exit_code == 4
    assert any(problem.path == name for problem in report.problems)


def test_a_foreign_file_is_found(file, root):
    plan_testbed(file())
    assert verify(root).problems == []
    (root / "notes.txt").write_text("mine")
    assert [str(problem) for problem in verify(root).problems] == ["unexpected: notes.txt"]


def test_a_journal_ahead_of_the_manifest_is_a_note(file, root):
    run_testbed(file(), INLINE)
    manifest = (root / MANIFEST).read_bytes()
    run_testbed(file(), INLINE)
    later = (root / MANIFEST).read_bytes()
    (root / MANIFEST).write_bytes(manifest)
    report = verify(root)
    assert any("later lines" in note for note in report.notes)
    (root / MANIFEST).write_bytes(later)
    assert not verify(root).notes


def test_a_verdict_that_its_values_contradict_is_found(file, root):
    bounds = (
        '\n[[testbed.check]]\nid = "high"\nkind = "bounds"\nmetric = "head"\nhigh = 0.6\n'
        'reason = "floods"\n'
    )
    run_testbed(file(extra=bounds), INLINE)
    document = json.loads((root / MANIFEST).read_text())
    plan = json.loads((root / PLAN).read_text())
    assert list(wrong_matrix(document, plan)) == []
    (high,) = [check for check in document["checks"] if check["check_id"] == "high"]
    assert high["verdict"] == "fail"
    high["verdict"] = "pass"
    assert list(wrong_matrix(document, plan)) == [
        "its digest is not that of its content",
        "check 'high': its values say fail, not pass",
        "its verdict is fail, its checks say pass",
    ]
    document["metrics"][0]["head"] = None
    assert "check 'high': its values say unknown, not pass" in list(wrong_matrix(document, plan))


FORGERIES = {
    "a bound": (("checks", 0, "bound", "high"), 9.0, "not the check that the plan declares"),
    "a metric": (("metrics", 0, "head"), 0.123, "its run says"),
    "a status": (("cases", 0, "status"), "failed", "has two statuses"),
    "a count": (("successful_count",), 7, "its rows say"),
    "the plan digest": (("plan_digest",), "0" * 64, "plan_digest is not that of the plan"),
}


@pytest.mark.parametrize(("place", "value", "words"), FORGERIES.values(), ids=FORGERIES)
def test_a_manifest_that_was_sealed_again_is_contradicted(file, root, place, value, words):
    bounds = (
        '\n[[testbed.check]]\nid = "high"\nkind = "bounds"\nmetric = "head"\nhigh = 0.6\n'
        'reason = "floods"\n'
    )
    run_testbed(file(extra=bounds), INLINE)
    document = json.loads((root / MANIFEST).read_text())
    table = document
    for key in place[:-1]:
        table = table[key]
    table[place[-1]] = value
    document["seal"] = UNSEALED
    (root / MANIFEST).write_bytes(sealed(render(document)))
    found = [str(problem) for problem in verify(root).problems]
    assert not any("edited after" in text for text in found)
    assert any(words in text for text in found), found


def test_a_table_that_says_otherwise_than_the_manifest_is_contradicted(file, root):
    run_testbed(file(), INLINE)
    document = json.loads((root / MANIFEST).read_text())
    content = (root / METRICS).read_bytes().replace(b"line_2", b"line_9", 1)
    (root / METRICS).write_bytes(content)
    document["files"][METRICS] = hashlib.sha256(content).hexdigest()
    document["seal"] = UNSEALED
    (root / MANIFEST).write_bytes(sealed(render(document)))
    assert f"contradicted: {METRICS}" in str(verify(root).problems[0])


def test_a_plain_python_verifies_it(file, root):
    run_testbed(file(), INLINE)
    words = [sys.executable, "-I", "-S", str(root / "verify.py")]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    text = (root / MANIFEST).read_bytes()
    assert sealed(text.replace(b"x", b"y")) != text
    (root / MANIFEST).write_bytes(text.replace(b'"exit_code": 0', b'"exit_code": 1', 1))
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 4
    assert "it was edited after it was written" in done.stdout


def test_a_table_with_a_line_of_another_shape_is_told_not_stumbled_over(file, root):
    run_testbed(file(), INLINE)
    for name in (CASES, METRICS):
        content = (root / name).read_bytes()
        for added in (b"x", b"x\n", b'"', b"\0", b"," * 99, b"a" * 200_000):
            (root / name).write_bytes(content + added)
            report = verify(root)
            assert report.exit_code == 4
            assert name in {problem.path for problem in report.problems}
        (root / name).write_bytes(content)


def test_a_long_label_is_a_long_cell(file, root):
    """The csv module of Python refuses cells above 131,072 characters unless told otherwise."""
    extra = f'\n[[testbed.case]]\nid = "x"\nlabel = "{"x" * 200_000}"\nchanges = ["probe"]\n'
    run_testbed(file(extra=extra), INLINE)
    assert verify(root).problems == []


def test_the_evidence_of_a_faulty_plan_is_whole(file, root):
    """A case with faults has no child and no digest; the row that says so contradicts nothing."""
    faulty = '\n[[testbed.case]]\nid = "x"\noverlay = { probe = { kk = 2.0 } }\n'
    with pytest.raises(ConfigError):
        plan_testbed(file(extra=faulty))
    assert verify(root).problems == []


def judged(root):
    """A bundle: a testbed whose cases were judged, with manifests of its own beside it."""
    write_json(root / "diagnostics.json", {"cases": 3})
    made = Manifest(
        kind="bundle",
        config={},
        files={},
        figures=describe(root, ["diagnostics.json", "verify.py"]),
        claim={"claim_level": "validation"},
    )
    seal(root, made)
    return root


def test_a_testbed_that_was_judged_verifies_as_both(file, root):
    run_testbed(file(), INLINE)
    judged(root)
    assert verify(root).problems == []
    for name in ("diagnostics.json", CASES, MANIFEST, "cases/line_1/head.csv"):
        content = (root / name).read_bytes()
        (root / name).write_bytes(content[:-1] + b" ")
        report = verify(root)
        (root / name).write_bytes(content)
        assert ("altered", name) in {(problem.kind, problem.path) for problem in report.problems}


def test_a_case_that_lies_in_a_bundle_may_not_be_replaced_by_another_good_one(file, root):
    run_testbed(file(), INLINE)
    judged(root)
    shutil.rmtree(root / "cases/line_1")
    shutil.copytree(root / "cases/line_2", root / "cases/line_1")
    assert verify(root / "cases/line_1").problems == []
    report = verify(root)
    assert ("altered", "cases/line_1/manifest.json") in {(p.kind, p.path) for p in report.problems}


@pytest.mark.parametrize("fresh", [False, True], ids=["nothing to do", "every case again"])
def test_a_testbed_carried_out_again_leaves_its_bundle_stale_until_it_is_judged(fresh, file, root):
    run_testbed(file(), INLINE)
    judged(root)
    answer = run_testbed(file(), replace(INLINE, fresh=fresh))
    assert answer.exit_code == 0
    report = verify(root)
    assert [(problem.kind, problem.path) for problem in report.problems] == [
        ("stale", "artifact_manifest.json")
    ]
    assert "judge them again" in str(report.problems[0])
    assert report.effective_level == "unspecified"
    judged(root)
    assert verify(root).problems == []


def test_a_report_made_again_leaves_the_bundle_stale(file, root):
    run_testbed(file(), INLINE)
    judged(root)
    report_testbed(root)
    assert [problem.kind for problem in verify(root).problems] == ["stale"]


def test_an_altered_case_of_a_stale_bundle_is_still_named(file, root):
    run_testbed(file(), INLINE)
    judged(root)
    run_testbed(file(), INLINE)
    (root / "cases/line_1/head.csv").write_text("head_m\n9\n")
    report = verify(root)
    assert {(problem.kind, problem.path) for problem in report.problems} >= {
        ("altered", "cases/line_1/head.csv"),
        ("stale", "artifact_manifest.json"),
    }
