"""Files are the old one or the new one, whatever happens while they are written."""

import errno
import json
import math
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mhx.errors import EvidenceError, RunError
from mhx.evidence import store

CRASHES = ("os.fsync of the file", "os.replace", "os.fsync of the folder")


class Crash(Exception):
    """Stands for a power cut."""


@pytest.fixture
def crash_at(monkeypatch):
    """Let the n-th sync, or the rename, never return."""
    syncs = []

    def install(boundary):
        def sync(handle):
            syncs.append(handle)
            if (boundary, len(syncs)) in ((CRASHES[0], 1), (CRASHES[2], 2)):
                raise Crash

        def replace(source, target):
            if boundary == CRASHES[1]:
                raise Crash
            os.rename(source, target)

        monkeypatch.setattr(store.os, "fsync", sync)
        monkeypatch.setattr(store.os, "replace", replace)

    return install


@pytest.mark.parametrize("boundary", CRASHES)
def test_a_crash_at_any_boundary_leaves_a_whole_file(tmp_path, crash_at, boundary):
    path = tmp_path / "file.json"
    store.write_json(path, {"old": 1})
    crash_at(boundary)
    with pytest.raises(Crash):
        store.write_json(path, {"new": 2})
    kept = {"new": 2} if boundary == CRASHES[2] else {"old": 1}
    assert store.read_json(path) == kept
    assert os.listdir(tmp_path) == ["file.json"]


def test_file_is_synced_before_it_is_renamed_and_the_folder_after(tmp_path, monkeypatch):
    calls = []
    fsync, replace = os.fsync, os.replace

    def sync(handle):
        calls.append("folder" if os.path.isdir(f"/proc/self/fd/{handle}") else "file")
        fsync(handle)

    monkeypatch.setattr(store.os, "fsync", sync)
    monkeypatch.setattr(
        store.os, "replace", lambda *names: calls.append("rename") or replace(*names)
    )
    store.write_text(tmp_path / "a.txt", "text")
    assert calls == ["file", "rename", "folder"]


WRITER = """
import sys
from pathlib import Path
from types import SimpleNamespace
from mhx.evidence import store
number = 0
while True:
    number += 1
    store.write_json(Path(sys.argv[1]) / "file.json", {"n": number, "fill": "x" * 200_000})
    store.append_chained(Path(sys.argv[1]) / "journal.jsonl", {"n": number})
"""


@pytest.mark.slow
def test_a_killed_writer_leaves_whole_files(tmp_path):
    for attempt in range(8):
        process = subprocess.Popen([sys.executable, "-c", WRITER, tmp_path])
        path = tmp_path / "file.json"
        deadline = time.monotonic() + 20
        while not (tmp_path / "journal.jsonl").exists() and time.monotonic() < deadline:
            time.sleep(0.01)
        time.sleep(0.01 + 0.013 * attempt)
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert set(store.read_json(path)) == {"n", "fill"}
        store.read_chained(tmp_path / "journal.jsonl")
        store.append_chained(tmp_path / "journal.jsonl", {"n": 0})
    store.sweep_drafts(tmp_path)
    assert sorted(os.listdir(tmp_path)) == ["file.json", "journal.jsonl"]


def no_space(*_):
    raise OSError(errno.ENOSPC, "No space left on device")


def test_a_full_disk_names_the_bytes_needed_and_harms_nothing(tmp_path, monkeypatch):
    path = tmp_path / "file.txt"
    store.write_text(path, "old")
    monkeypatch.setattr(store.os, "fsync", no_space)
    with pytest.raises(RunError, match=r"no space left .*file\.txt: 6 bytes needed") as caught:
        store.write_text(path, "newest")
    assert caught.value.exit_code == 3
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["file.txt"]


def test_what_will_not_fit_is_refused_before_the_first_byte(tmp_path, monkeypatch):
    one_byte_free = SimpleNamespace(total=9, used=8, free=1)
    monkeypatch.setattr(store.shutil, "disk_usage", lambda _: one_byte_free)
    with pytest.raises(RunError, match="5000 bytes needed, 1 free"):
        store.write_bytes(tmp_path / "new" / "file.bin", b"x" * 5000)
    with pytest.raises(RunError, match="7000 bytes needed, 1 free"):
        store.write_with(tmp_path / "file.bin", pytest.fail, expected_bytes=7000)
    assert os.listdir(tmp_path) == []


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 64 kB, where the machine lets us mount one."""
    folder = tmp_path / "small"
    folder.mkdir()
    words = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(folder)]
    if os.geteuid() or subprocess.run(words, check=False, capture_output=True).returncode:
        pytest.skip("cannot mount a small file system here")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_disk_that_fills_up_keeps_the_old_file(small_disk):
    path = small_disk / "state.npz"
    store.write_bytes(path, b"old" * 1000)
    with pytest.raises(RunError, match="100000 bytes needed"):
        store.write_bytes(path, b"new" + bytes(99_997))
    with pytest.raises(RunError, match="no space left"):
        store.write_with(path, lambda stream: stream.write(bytes(100_000)))
    assert path.read_bytes() == b"old" * 1000
    assert os.listdir(small_disk) == ["state.npz"]


def test_a_journal_on_a_full_disk_keeps_its_lines(small_disk):
    path = small_disk / "journal.jsonl"
    store.append_chained(path, {"n": 1})
    with pytest.raises(RunError, match="no space left"):
        for number in range(100):
            store.append_chained(path, {"n": number, "fill": "x" * 5000})
    lines = store.read_chained(path)
    assert lines[0]["n"] == 1
    assert path.read_bytes().endswith(b"\n")


def test_a_folder_that_cannot_be_written_is_named(tmp_path, monkeypatch):
    def refused(*_, **__):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(Path, "open", refused)
    with pytest.raises(RunError, match=r"cannot write .*a\.txt: Permission denied"):
        store.write_text(tmp_path / "a.txt", "x")


def test_a_read_only_file_system_is_named(small_disk):
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    with pytest.raises(RunError, match=r"cannot write .*a\.txt: Read-only file system"):
        store.write_text(small_disk / "a.txt", "x")


def test_a_fault_of_the_writer_itself_is_not_hidden(tmp_path):
    with pytest.raises(ZeroDivisionError):
        store.write_with(tmp_path / "a.bin", lambda stream: 1 / 0)
    assert os.listdir(tmp_path) == []


def test_json_is_strict_and_verbatim(tmp_path):
    content = {"b": math.nan, "a": [math.inf, 1.5, True, None], "é": "ü", "n": (1, 2)}
    store.write_json(tmp_path / "a.json", content)
    assert (tmp_path / "a.json").read_bytes() == (
        '{\n  "a": [\n    null,\n    1.5,\n    true,\n    null\n  ],\n  "b": null,\n'
        '  "n": [\n    1,\n    2\n  ],\n  "é": "ü"\n}\n'
    ).encode()


@pytest.mark.parametrize("value", [{1: 2}, {"a": {1}}, {"a": Path("x")}])
def test_json_holds_plain_values_only(tmp_path, value):
    with pytest.raises(TypeError):
        store.write_json(tmp_path / "a.json", value)


REFUSED = {
    "older schema": ('{"schema": "mhx.test.v1"}', "older mhx"),
    "newer schema": ('{"schema": "mhx.test.v3"}', "newer mhx; update"),
    "other schema": ('{"schema": "mhx.other.v2"}', "another file"),
    "no schema": ("{}", "no schema"),
    "torn": ('{"schema": "mhx.test.v2"', "torn or altered"),
    "empty": ("", "torn or altered"),
    "NaN": ('{"schema": "mhx.test.v2", "a": NaN}', "NaN is not a JSON number"),
    "infinity": ('{"schema": "mhx.test.v2", "a": -Infinity}', "-Infinity is not"),
    "overflow": ('{"schema": "mhx.test.v2", "a": 1e999}', "beyond the range"),
    "a key twice": ('{"schema": "mhx.test.v2", "a": 1, "a": 2}', "given twice: a"),
    "a list": ("[]", "JSON object was expected, found list"),
    "not UTF-8": (b"\xff\xfe", "torn or altered"),
}


@pytest.mark.parametrize(("content", "words"), REFUSED.values(), ids=REFUSED)
def test_a_file_is_refused_by_name(tmp_path, content, words):
    path = tmp_path / "plan.json"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(EvidenceError, match=words) as caught:
        store.read_json(path, "mhx.test.v2")
    assert str(path) in str(caught.value)


def test_a_missing_file_and_a_folder_are_refused_by_name(tmp_path):
    with pytest.raises(EvidenceError, match=r"nothing\.json is missing"):
        store.read_json(tmp_path / "nothing.json")
    with pytest.raises(EvidenceError, match="cannot be read"):
        store.read_json(tmp_path)


LINES = st.lists(
    st.dictionaries(
        st.text().filter(lambda key: key not in ("previous", "digest")),
        st.none() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
        max_size=3,
    ),
    min_size=1,
    max_size=5,
)


@given(LINES)
def test_a_journal_reads_back_what_was_appended(tmp_path_factory, lines):
    path = tmp_path_factory.mktemp("journal") / "a.jsonl"
    for line in lines:
        store.append_chained(path, line)
    found = store.read_chained(path)
    chain = ("previous", "digest")
    assert [{key: line[key] for key in line if key not in chain} for line in found] == lines
    assert [line["previous"] for line in found] == [None, *(line["digest"] for line in found)][:-1]


@pytest.fixture
def journal(tmp_path):
    path = tmp_path / "claim_ledger.jsonl"
    for number in range(4):
        store.append_chained(path, {"n": number, "text": "as it was"})
    return path


def lines_of(path):
    return path.read_bytes().splitlines(keepends=True)


EDITS = {
    "a value": (lambda lines: [lines[0], lines[1].replace(b"was", b"is"), *lines[2:]], 2),
    "white space": (lambda lines: [lines[0], lines[1].replace(b",", b", ", 1), *lines[2:]], 2),
    "a line lost in the middle": (lambda lines: [lines[0], *lines[2:]], 2),
    "the first line lost": (lambda lines: lines[1:], 1),
    "two lines swapped": (lambda lines: [lines[0], lines[2], lines[1], lines[3]], 2),
    "a line twice": (lambda lines: [*lines[:2], *lines[1:]], 3),
    "a line cut in the middle": (lambda lines: [lines[0], lines[1][:9] + b"\n", *lines[2:]], 2),
    "an empty line": (lambda lines: [lines[0], b"\n", *lines[1:]], 2),
    "another line end": (lambda lines: [lines[0][:-1] + b"\r", *lines[1:]], 1),
}


@pytest.mark.parametrize(("edit", "number"), EDITS.values(), ids=EDITS)
def test_an_edited_journal_is_refused_with_its_line(journal, edit, number):
    journal.write_bytes(b"".join(edit(lines_of(journal))))
    with pytest.raises(EvidenceError, match=rf"claim_ledger\.jsonl:{number} "):
        store.read_chained(journal)
    with pytest.raises(EvidenceError):
        store.append_chained(journal, {"n": 9})


def test_a_line_with_its_own_digest_made_anew_breaks_the_next(journal):
    lines = lines_of(journal)
    body = {**json.loads(lines[1]), "text": "edited"}
    del body["digest"]
    forged = {**body, "digest": store.content_digest(body)}
    lines[1] = store.canonical(forged).encode() + b"\n"
    journal.write_bytes(b"".join(lines))
    with pytest.raises(EvidenceError, match=r":3 does not follow"):
        store.read_chained(journal)


def test_a_torn_last_line_is_survived(journal):
    whole = journal.read_bytes()
    for cut in (1, 20, 100):
        journal.write_bytes(whole[:-cut])
        assert [line["n"] for line in store.read_chained(journal)] == [0, 1, 2]
    store.append_chained(journal, {"n": 7})
    assert [line["n"] for line in store.read_chained(journal)] == [0, 1, 2, 7]


@pytest.mark.parametrize("key", ["previous", "digest"])
def test_the_words_of_the_chain_are_not_for_records(journal, key):
    with pytest.raises(ValueError, match=key):
        store.append_chained(journal, {key: "x"})


def test_a_journal_that_is_not_there_is_empty(tmp_path):
    assert store.read_chained(tmp_path / "none.jsonl") == []


def test_a_crash_while_a_line_is_added_takes_it_back(journal, monkeypatch):
    before = journal.read_bytes()
    monkeypatch.setattr(store.os, "fsync", no_space)
    with pytest.raises(RunError, match="no space left"):
        store.append_chained(journal, {"n": 9})
    assert journal.read_bytes() == before


def test_drafts_of_killed_writers_are_swept_and_nothing_else(tmp_path):
    left = tmp_path / "deep" / ".state.npz.4711-0.part"
    for path in (left, tmp_path / ".hidden", tmp_path / "deep" / "a.part"):
        store.write_text(path, "x")
    assert store.drafts(tmp_path) == [left]
    assert store.sweep_drafts(tmp_path) == [left]
    assert not left.exists()
    assert (tmp_path / ".hidden").exists() and (tmp_path / "deep" / "a.part").exists()


# -- a journal held open -----------------------------------------------------------------------


def test_a_held_journal_continues_the_chain_of_single_lines(tmp_path):
    path = tmp_path / "j.jsonl"
    store.append_chained(path, {"n": 0})
    with store.Journal(path) as journal:
        assert [line["n"] for line in journal.lines] == [0]
        for n in range(1, 4):
            journal.append({"n": n, "digest_parts": {"digest": "x"}}, sync=n != 2)
    store.append_chained(path, {"n": 4})
    assert [line["n"] for line in store.read_chained(path)] == [0, 1, 2, 3, 4]


def test_a_held_journal_drops_a_torn_end_and_refuses_an_altered_line(tmp_path):
    path = tmp_path / "j.jsonl"
    with store.Journal(path) as journal:
        journal.append({"n": 0})
        journal.append({"n": 1})
    path.write_bytes(path.read_bytes() + b'{"n":2,"prev')
    with store.Journal(path) as journal:
        assert len(journal.lines) == 2
        journal.append({"n": 2})
    content = path.read_bytes()
    assert [line["n"] for line in store.read_chained(path)] == [0, 1, 2]
    path.write_bytes(content.replace(b'"n":1', b'"n":7'))
    with pytest.raises(EvidenceError, match=r"j\.jsonl:2 is not as it was written"):
        store.Journal(path).__enter__()


@pytest.mark.parametrize("edit", [b" ", b"\t"])
def test_white_space_in_a_line_is_an_alteration(tmp_path, edit):
    path = tmp_path / "j.jsonl"
    store.append_chained(path, {"n": 0, "text": "a"})
    path.write_bytes(path.read_bytes().replace(b":0", b":" + edit + b"0"))
    with pytest.raises(EvidenceError, match="is not as it was written"):
        store.read_chained(path)
