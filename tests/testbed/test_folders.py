"""Run folders: nothing that finished is lost, whatever interrupts what is done with it."""

import os
import signal
import threading

import pytest

from mhx.errors import RunLocked
from mhx.execution.lock import hold
from mhx.testbed.running import folders
from mhx.testbed.running.folders import link_run, make_ready, newest_attempt, owned
from mhx.testbed.running.reading import altered_file
from mhx.testbed.running.stopping import Stopping
from mhx.workflow.run import run_file

NAMES = ("config.toml", "head.csv", "manifest.json", "run_summary.json")


@pytest.fixture
def run(tmp_path, probe):
    """A finished run with an attempt beside it, as a launcher leaves it."""
    (tmp_path / "base.toml").write_text('[workflow]\nmode = "probe"\n')
    folder = tmp_path / "cases" / "a"
    run_file(tmp_path / "base.toml", folder)
    for attempt in ("20260101T100000Z-1111", "20260101T110000Z-2222"):
        (folder / "attempts" / attempt).mkdir(parents=True)
    return folder


def contents(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.name.startswith(".lock")
    }


def test_an_empty_folder_is_ready(tmp_path):
    make_ready(tmp_path / "none", "x", goes_on=False)
    assert not (tmp_path / "none").exists()


def test_an_earlier_run_moves_under_the_name_of_its_attempt(run):
    before = contents(run)
    make_ready(run, "x", goes_on=False)
    moved = run / "superseded" / newest_attempt(run)
    assert moved.name == "20260101T110000Z-2222"
    assert contents(moved) == before
    assert altered_file(moved) == ""
    assert not set(NAMES) & set(os.listdir(run))


@pytest.mark.parametrize("name", [*NAMES, "verify.py", "artifact_manifest.json"])
def test_a_file_that_a_power_cut_emptied_is_found(run, name):
    os.truncate(run / name, 0)
    assert altered_file(run) == name


def test_what_can_be_gone_on_with_stays(run):
    before = contents(run)
    make_ready(run, "x", goes_on=True)
    assert contents(run) == before
    (run / "head.csv").write_text("torn")
    make_ready(run, "x", goes_on=True)
    assert not (run / "head.csv").exists()


@pytest.mark.parametrize("name", ["checkpoints", "simulations"])
def test_checkpoints_and_finished_methods_are_gone_on_with(name, run):
    (run / "manifest.json").unlink()
    (run / name).mkdir()
    make_ready(run, "x", goes_on=True)
    assert (run / "config.toml").exists()


def test_a_move_cut_short_anywhere_is_finished_later(run, monkeypatch):
    before = contents(run)
    rename, steps = os.rename, 0
    for allowed in range(len(before) + 1):
        left = iter(range(allowed))

        def cut(source, target, left=left):
            if next(left, None) is None:
                raise KeyboardInterrupt
            rename(source, target)

        monkeypatch.setattr(folders.os, "rename", cut)
        try:
            make_ready(run, "x", goes_on=False)
        except KeyboardInterrupt:
            steps += 1
            there = contents(run) | contents(run / "superseded" / newest_attempt(run))
            assert before.items() <= there.items()
            if allowed:
                assert not (run / "manifest.json").exists()  # half a run looks like none
    assert steps >= 3
    assert contents(run / "superseded" / newest_attempt(run)) == before


def test_the_worker_of_a_killed_launcher_is_waited_for(run):
    held, go = threading.Event(), threading.Event()

    def straggler():
        with hold(run, "straggler"):
            held.set()
            go.wait(5)
            (run / "head.csv").write_text("late")

    thread = threading.Thread(target=straggler)
    thread.start()
    held.wait(5)
    threading.Timer(0.2, go.set).start()
    make_ready(run, "x", goes_on=False)
    thread.join()
    assert (run / "superseded" / newest_attempt(run) / "head.csv").read_text() == "late"


def test_a_run_that_is_held_for_good_is_refused(run, monkeypatch):
    monkeypatch.setattr(folders, "PATIENCE_S", 0.1)
    with hold(run, "somebody"), pytest.raises(RunLocked):
        make_ready(run, "x", goes_on=False)


def test_a_linked_run_verifies_and_shares_its_bytes(run, tmp_path):
    other = tmp_path / "cases" / "b"
    link_run(run, other, "x")
    assert altered_file(other) == ""
    assert not (other / "attempts").exists()
    assert (other / "head.csv").stat().st_ino == (run / "head.csv").stat().st_ino


def test_a_run_is_copied_where_it_cannot_be_linked(run, tmp_path, monkeypatch):
    def refused(source, target):
        raise OSError(18, "Invalid cross-device link")

    monkeypatch.setattr(folders.os, "link", refused)
    link_run(run, tmp_path / "b", "x")
    assert altered_file(tmp_path / "b") == ""


def test_the_folder_of_a_testbed_names_who_holds_it(tmp_path):
    with (
        owned(tmp_path, "first"),
        pytest.raises(RunLocked, match=rf"is locked by process {os.getpid()} on .* since .*Z; "),
        owned(tmp_path, "second"),
    ):
        pass


def test_drafts_of_a_killed_launcher_are_swept(tmp_path):
    draft = tmp_path / ".testbed_cases.csv.4711-3.part"
    draft.write_text("half")
    (tmp_path / "notes.part").write_text("mine")
    with owned(tmp_path, "next"):
        assert not draft.exists()
    assert (tmp_path / "notes.part").exists()


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGTERM, 75), (signal.SIGUSR1, 75), (signal.SIGINT, 130)]
)
def test_a_signal_is_noted_and_passed_on(number, code):
    class Backend:
        stops = 0

        def stop(self):
            self.stops += 1

    stopping, backend = Stopping(), Backend()
    before = signal.getsignal(number)
    with stopping.listening():
        os.kill(os.getpid(), number)
        assert stopping.exit_code == code
        stopping.backend = backend
        os.kill(os.getpid(), signal.SIGTERM)
    assert (backend.stops, stopping.exit_code) == (1, code)  # the first signal decides
    assert signal.getsignal(number) is before
