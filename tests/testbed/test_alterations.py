"""Every file below a finished matrix, altered in every way: named by `mhx verify`, never accepted.

A second run refuses it by name, makes it again, or carries out again the one case that it belongs
to.  Only what no digest covers (attempts, locks) may be altered unseen, and nothing rests on that.
"""

import csv
import json
import os
import shutil

import pytest

from mhx.errors import EvidenceError
from mhx.evidence.verify import verify
from mhx.testbed.launcher import Options, run_testbed
from mhx.testbed.records import CASES, MANIFEST
from mhx.testbed.running.journal import JOURNAL, PLAN

pytestmark = pytest.mark.slow

INLINE = Options(backend="inline")
UNCOVERED = {"attempts", ".lock"}
REFUSED = {JOURNAL, PLAN}  # nothing else says what stood there


def flipped(content):
    place = len(content) // 2
    return content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :]


ALTERATIONS = {
    "a byte flipped": flipped,
    "the second half gone": lambda content: content[: len(content) // 2],
    "emptied": lambda content: b"",
    "a line added": lambda content: content + b"x\n",
    "deleted": None,
}


@pytest.fixture
def root(tmp_path):
    return tmp_path / "testbed" / "k"


@pytest.fixture
def begun(tmp_path, monkeypatch):
    """The conductivities of the cases that were begun since it was last asked."""
    trace = tmp_path / "trace"
    monkeypatch.setenv("PROBE_TRACE", str(trace))

    def take():
        found = trace.read_text().split() if trace.exists() else []
        trace.unlink(missing_ok=True)
        return list(map(float, found))

    return take


def names(root):
    return sorted(path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file())


def contents(root):
    return {name: (root / name).read_bytes() for name in names(root) if name != ".lock"}


def rows(root):
    with (root / CASES).open(newline="") as stream:
        return {row["case_id"]: row for row in csv.DictReader(stream)}


@pytest.mark.parametrize("alteration", ALTERATIONS)
def test_whatever_is_altered_is_named_and_mended(alteration, file, root, begun, compared, tmp_path):
    path = file(values=("[1.0, 2.0, 4.0]", "[1.0, 2.0]"))
    run_testbed(path, INLINE)
    expected, pristine = compared(root), tmp_path / "pristine"
    shutil.copytree(root, pristine)
    for name in names(pristine):
        shutil.rmtree(root)
        shutil.copytree(pristine, root)
        content = (root / name).read_bytes()
        if not content and ALTERATIONS[alteration] in (flipped, ALTERATIONS["emptied"]):
            continue
        begun()
        (root / name).unlink()  # a file of its own: the verifiers of the cases may be one file
        if ALTERATIONS[alteration]:
            (root / name).write_bytes(ALTERATIONS[alteration](content))
        covered = not UNCOVERED & set(name.split("/"))
        told = {problem.path for problem in verify(root).problems}
        assert (name in told) if covered else not told, name
        altered = contents(root)
        try:
            assert run_testbed(path, INLINE).exit_code == 0, name
        except EvidenceError as error:
            assert name in REFUSED
            assert str(root / name) in str(error)
            assert contents(root) == altered
            continue
        assert compared(root) == expected, name
        assert verify(root).problems == [], name
        _only_its_case_ran_again(root, name if covered else "", begun())


def _only_its_case_ran_again(root, name, begun):
    """begun: conductivities.  What a torn journal has lost is told, and carried out again."""
    if name == JOURNAL:
        (notice,) = json.loads((root / MANIFEST).read_text())["notices"]
        assert notice.startswith(f"{JOURNAL} has lost its last ")
        return
    place, _, rest = name.partition("/")
    case_id, _, inside = rest.partition("/") if place == "cases" else ("", "", "")
    for each, row in rows(root).items():
        reason = f"evidence altered: {inside}" if each == case_id else ""
        assert (row["reused"], row["reuse_reason"]) == ("false" if reason else "true", reason), name
    assert begun == ([float(case_id.removeprefix("line_"))] if case_id else []), name


def test_a_file_that_cases_share_is_named_for_each_and_mended_in_each(file, root, begun, compared):
    """Equal files of cases may be one file under many names: an edit in place is an edit of all."""
    path = file()
    run_testbed(path, INLINE)
    expected = compared(root)
    shared = [root / "cases" / f"line_{k}" / "verify.py" for k in (1, 2, 4)]
    for copy in shared[1:]:
        copy.unlink()
        os.link(shared[0], copy)
    begun()
    with shared[0].open("ab") as stream:
        stream.write(b"# mine\n")
    told = {problem.path for problem in verify(root).problems}
    assert told == {copy.relative_to(root).as_posix() for copy in shared}
    assert run_testbed(path, INLINE).exit_code == 0
    assert begun() == [1.0, 2.0, 4.0]
    assert compared(root) == expected
    assert verify(root).problems == []
