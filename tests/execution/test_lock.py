"""One process writes; whoever comes second is told who it is; the dead hold nothing."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest

from mhx.errors import ConfigError, RunError, RunLocked
from mhx.execution import lock
from mhx.execution.lock import hold, holder

HOLDER = """
import sys, time
from mhx.execution.lock import hold
with hold(sys.argv[1], attempt="a1b2"):
    print("held", flush=True)
    time.sleep(60)
"""
RACER = """
import sys, time
from mhx.errors import RunLocked
from mhx.execution.lock import hold
sys.stdin.readline()
try:
    with hold(sys.argv[1]):
        print("held", flush=True)
        sys.stdin.readline()
except RunLocked as error:
    print("refused", error.exit_code, flush=True)
"""


def start(code, folder):
    words = [sys.executable, "-c", code, str(folder)]
    return subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


@pytest.fixture
def owner(tmp_path):
    process = start(HOLDER, tmp_path)
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.communicate()


def test_the_second_is_told_host_pid_and_start_of_the_first(tmp_path, owner):
    with pytest.raises(RunLocked) as caught, hold(tmp_path):
        pass
    message = str(caught.value)
    assert str(tmp_path) in message
    assert f"host {lock.socket.gethostname()}" in message
    assert f"pid {owner.pid}" in message
    assert "started 20" in message
    assert "attempt a1b2" in message
    assert caught.value.exit_code == 6


def test_readers_are_told_without_taking_the_lock(tmp_path, owner):
    assert holder(tmp_path).pid == owner.pid
    assert holder(tmp_path).attempt == "a1b2"


def test_a_killed_owner_never_blocks(tmp_path, owner):
    owner.send_signal(signal.SIGKILL)
    owner.wait()
    assert (tmp_path / ".lock.json").exists()  # its note outlives it, its lock does not
    assert holder(tmp_path) is None
    with hold(tmp_path) as held:
        assert holder(tmp_path).pid == os.getpid()
        assert holder(tmp_path).attempt == held.attempt


def test_of_two_that_race_one_wins(tmp_path):
    racers = [start(RACER, tmp_path) for _ in range(2)]
    for racer in racers:
        racer.stdin.write("go\n")
        racer.stdin.flush()
    said = []
    deadline = time.monotonic() + 30
    while len(said) < 1 and time.monotonic() < deadline:
        said = [line for racer in racers if (line := racer.stdout.readline())][:2]
    for racer in racers:
        racer.communicate("done\n")
    assert sorted(said) == ["held\n", "refused 6\n"]


def test_a_lock_is_free_after_its_block_even_when_that_failed(tmp_path):
    with pytest.raises(ZeroDivisionError), hold(tmp_path):
        raise ZeroDivisionError
    with hold(tmp_path):
        pass
    assert holder(tmp_path) is None
    assert not (tmp_path / ".lock.json").exists()


def test_one_process_does_not_hold_a_folder_twice(tmp_path):
    with hold(tmp_path), pytest.raises(RunLocked, match=f"pid {os.getpid()}"), hold(tmp_path):
        pass


def test_two_folders_are_two_locks(tmp_path):
    with hold(tmp_path / "a"), hold(tmp_path / "b"):
        pass


def note(folder, **changes):
    owner = {"host": lock.socket.gethostname(), "pid": os.getpid(), "start": "then"}
    words = {**owner, "attempt": "x", "born": lock.born(os.getpid()), **changes}
    (folder / ".lock.json").write_text(json.dumps(words))


NOTES = {
    "this process": ({}, False),
    "a later process of the same number": ({"born": "1"}, True),
    "a number that no process has": ({"pid": 2**22 + 1}, True),
    "another host, of which nothing is known": ({"host": "elsewhere"}, False),
}


@pytest.mark.parametrize(("changes", "gone"), NOTES.values(), ids=NOTES)
def test_a_note_is_believed_while_its_process_may_live(tmp_path, changes, gone):
    note(tmp_path, **changes)
    assert (holder(tmp_path) is None) is gone


@pytest.mark.parametrize("content", ["", "{", "[]", '{"pid": 1}'])
def test_a_torn_note_is_no_obstacle(tmp_path, content):
    (tmp_path / ".lock.json").write_text(content)
    assert holder(tmp_path) is None
    with hold(tmp_path):
        pass


def test_a_stale_note_does_not_name_a_dead_owner(tmp_path, owner):
    note(tmp_path, born="1")
    with pytest.raises(RunLocked, match="locked by another process;"), hold(tmp_path):
        pass


def test_a_folder_that_cannot_be_locked_is_named(tmp_path, monkeypatch):
    def refused(*_, **__):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(lock.FileLock, "acquire", refused)
    with pytest.raises(RunError, match=f"cannot lock {tmp_path}"), hold(tmp_path):
        pass


@pytest.mark.parametrize("below", ["", "x", "x/y"])
def test_a_folder_that_is_a_file_is_a_wrong_argument(tmp_path, below):
    file = tmp_path / "file"
    file.write_text("mine\n")
    with pytest.raises(ConfigError, match=f"{file} is a file; name another folder"):
        hold(file / below).__enter__()
    assert file.read_text() == "mine\n"
