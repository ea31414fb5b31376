"""Where a lane is: expectations, corrected by what really happened."""

import pytest

from mhx.campaigns.lane.progress import Progress
from tests.campaigns.lane.stand_ins import stand_in


def test_the_time_left_follows_what_was_taken(capsys):
    commands = [stand_in(name, seconds=100.0) for name in "abcd"]
    progress = Progress(count=4, left=commands)
    assert progress.time_left() == 400
    assert progress.time_left(spent=30.0) == 370
    progress.begin(1, commands[0])
    progress.end(commands[0], 200.0)
    left = progress.time_left()
    assert 300 < left < 600  # twice as slow so far, believed in part
    progress.begin(2, commands[1])
    told = capsys.readouterr().err.splitlines()
    assert told[0] == "[1/4] a: stand-in a (0 % of the lane, 6.67 min left)"
    assert told[1].startswith("[2/4] b: stand-in b (")


def test_a_command_that_takes_longer_still_has_time_to_go():
    progress = Progress(count=1, left=[stand_in("a", seconds=100.0)])
    assert progress.time_left(spent=500.0) == pytest.approx(5.0)


def test_a_short_command_says_little_of_the_lane():
    short, long = stand_in("a", seconds=3.0), stand_in("b", seconds=1000.0)
    progress = Progress(count=2, left=[short, long])
    progress.end(short, 12.0)
    assert progress.time_left() == pytest.approx(1000, rel=0.1)


def test_without_expectations_no_time_is_told(capsys):
    progress = Progress(count=1, left=[stand_in("a")])
    progress.begin(1, stand_in("a"))
    assert progress.time_left() is None
    assert capsys.readouterr().err == "[1/1] a: stand-in a\n"


def test_silence(capsys):
    Progress(count=1, left=[], silent=True).say("a word")
    assert capsys.readouterr().err == ""
