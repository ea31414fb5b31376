"""One folder per start of a job; whoever sees a process die writes its end."""

import json
import os
import re

import pytest

from mhx.execution.attempts import Attempt, attempt_name


def test_names_are_a_time_and_a_random_id():
    names = {attempt_name() for _ in range(100)}
    assert len(names) == 100
    assert all(re.fullmatch(r"\d{8}T\d{6}Z-[0-9a-f]{8}", name) for name in names)


def test_a_folder_is_made_once(tmp_path):
    Attempt.begin(tmp_path / "attempts" / "a", ("run", "x.toml"))
    with pytest.raises(FileExistsError):
        Attempt.begin(tmp_path / "attempts" / "a", ("run", "x.toml"))


def test_a_status_is_renamed_into_place(tmp_path):
    attempt = Attempt.begin(tmp_path / "a", ("run", "x.toml"))
    begun = json.loads((tmp_path / "a" / "status.json").read_bytes())
    assert (begun["state"], begun["pid"]) == ("running", os.getpid())
    attempt.end("finished", exit_code=0, duration_s=1.5)
    ended = json.loads((tmp_path / "a" / "status.json").read_bytes())
    assert (
        ended.items() >= (begun | {"state": "finished", "exit_code": 0, "duration_s": 1.5}).items()
    )
    assert os.listdir(tmp_path / "a") == ["status.json"]


LEFT = {"nothing": None, "half a status": '{"state": "run', "a status": '{"state": "running"}'}


@pytest.mark.parametrize("content", LEFT.values(), ids=LEFT)
def test_the_end_of_a_dead_process_is_written_for_it(tmp_path, content):
    folder = tmp_path / "a"
    if content is not None:
        folder.mkdir()
        (folder / "status.json").write_text(content)
    attempt = Attempt.left_behind(folder, ("run", "x.toml"))
    attempt.say("it died")
    attempt.end("died", exit_code=None, duration_s=0.1, signal=9)
    status = json.loads((folder / "status.json").read_bytes())
    assert (status["state"], status["exit_code"], status["signal"]) == ("died", None, 9)
    assert (folder / "log.txt").read_text() == "mhx: it died\n"


def test_equal_words_have_one_digest(tmp_path):
    digests = [
        Attempt.begin(tmp_path / name, words).document["words_digest"]
        for name, words in {"a": ("run", "x"), "b": ("run", "x"), "c": ("run x",)}.items()
    ]
    assert digests[0] == digests[1] != digests[2]
