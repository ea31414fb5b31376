"""What is on the disk when its writer goes on, and what may wait for one flush."""

import os
import threading

import pytest

from mhx.errors import EvidenceError
from mhx.evidence import bulk, checkpoints, store, syncing


@pytest.fixture
def syncs(monkeypatch):
    """The calls of fsync, and of the flush of a whole file system, as they come."""
    calls = []
    fsync = os.fsync

    def sync(handle):
        calls.append("folder" if os.path.isdir(f"/proc/self/fd/{handle}") else "file")
        fsync(handle)

    monkeypatch.setattr(os, "fsync", sync)
    for module in (syncing, bulk):
        monkeypatch.setattr(module, "sync_file_system", lambda folder: calls.append("all"))
    return calls


def test_files_of_a_case_are_whole_and_not_synced_one_by_one(tmp_path, syncs):
    with syncing.unsynced():
        store.write_json(tmp_path / "below" / "a.json", {"a": 1})
        store.write_with(tmp_path / "b.bin", lambda stream: stream.write(b"b"))
    assert syncs == []
    assert store.read_json(tmp_path / "below" / "a.json") == {"a": 1}
    assert sorted(os.listdir(tmp_path)) == ["b.bin", "below"]
    store.write_text(tmp_path / "c.txt", "c")
    assert syncs == ["file", "folder"]


def test_lines_of_a_journal_are_synced_all_the_same(tmp_path, syncs):
    with syncing.unsynced():
        store.append_chained(tmp_path / "a.jsonl", {"n": 1})
        with store.Journal(tmp_path / "b.jsonl") as journal:
            del syncs[:]
            journal.append({"n": 1})
    assert syncs == ["file"]


def test_another_thread_syncs_as_always(tmp_path, syncs):
    with syncing.unsynced():
        writer = threading.Thread(target=store.write_text, args=(tmp_path / "a.txt", "a"))
        writer.start()
        writer.join()
    assert syncs == ["file", "folder"]


def test_what_a_checkpoint_names_is_on_the_disk_before_the_run_goes_on(tmp_path, syncs):
    record = {"step": 1, "time": 0.5, "artifacts": {}, "metrics": {}}
    with syncing.unsynced():
        store.write_text(tmp_path / "state.bin", "state")
        checkpoints.write_record(tmp_path, record)
    assert syncs == ["all"]
    checkpoints.write_record(tmp_path, {**record, "step": 2})
    assert syncs[1:] == ["file", "folder"]


def test_a_file_system_is_flushed_by_a_folder_of_it(tmp_path):
    syncing.sync_file_system(tmp_path)
    with pytest.raises(FileNotFoundError):
        syncing.sync_file_system(tmp_path / "missing")


def test_a_file_that_a_power_cut_emptied_is_refused(tmp_path):
    path = tmp_path / "a.json"
    with syncing.unsynced():
        store.write_json(path, {"a": 1})
    os.truncate(path, 0)
    with pytest.raises(EvidenceError, match="torn"):
        store.read_json(path)
