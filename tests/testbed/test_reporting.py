"""The evidence made again from what is stored: it may not vouch for what was altered meanwhile."""

import pytest

from mhx.errors import EvidenceError
from mhx.evidence.verify import verify
from mhx.testbed.launcher import Options, plan_testbed, run_testbed
from mhx.testbed.page.reporting import report_testbed
from mhx.testbed.records import MANIFEST

INLINE = Options(backend="inline")


@pytest.fixture
def root(tmp_path):
    return tmp_path / "testbed" / "k"


def children(root):
    return sorted((root / "_generated_configs").glob("*.toml"))


@pytest.mark.parametrize("alter", [lambda p: p.unlink(), lambda p: p.write_text("k = 3\n")])
def test_a_child_that_is_not_as_recorded_is_refused_until_it_is_written_again(alter, file, root):
    path = file()
    run_testbed(path, INLINE)
    before = (root / MANIFEST).read_bytes()
    alter(children(root)[0])
    with pytest.raises(EvidenceError, match=r"line_1\.toml (is missing|was altered); `mhx testbed"):
        report_testbed(root)
    assert (root / MANIFEST).read_bytes() == before
    assert verify(root).exit_code == 4
    plan_testbed(path)
    assert report_testbed(root).exit_code == 0
    assert verify(root).exit_code == 0


def test_many_of_them_are_counted(file, root):
    run_testbed(file(values=("[1.0, 2.0, 4.0]", str([float(n) for n in range(12)]))), INLINE)
    for child in children(root):
        child.unlink()
    with pytest.raises(EvidenceError, match=r"line_0\.toml is missing, .* and 2 more; `mhx"):
        report_testbed(root)


def test_without_a_manifest_it_is_made_from_plan_and_journal(file, root, compared):
    run_testbed(file(), INLINE)
    expected = compared(root)
    (root / MANIFEST).unlink()
    assert report_testbed(root).exit_code == 0
    assert compared(root) == expected
