"""What is said at the end of a lane."""

import json

import pytest

from mhx.campaigns.lane import ending
from tests.campaigns.lane.stand_ins import drive_of, lane_of, stand_in

FAILED = {
    "checks": {"tail": False, "fine": True},
    "verdicts": {
        "tail": {
            "verdict": "fail",
            "metric": "max_spectral_tail",
            "value": 2e-5,
            "bound": {"low": None, "high": 1e-6},
            "reason": "resolution",
        }
    },
}


@pytest.fixture
def root(tmp_path):
    return tmp_path / "lane"


def ended(root, *words, **changes):
    lane = lane_of(root, stand_in("a"), stand_in("b", *words, **changes))
    drive = drive_of(lane)
    code = drive.carry_out()
    return ending.answer(lane, drive.content, code, "run")


def test_failed_gates_come_with_value_and_bound(root):
    answer = ended(root, "write", "b.json", json.dumps(FAILED), "exit", "1")
    assert answer.exit_code == 1
    assert answer.headline == (
        "the lane is done, gates of b did not pass: 1 of 2 commands passed, the run is unspecified"
    )
    told = "fail     tail: max_spectral_tail = 2e-05, must be <= 1e-06"
    assert any(line.strip() == told for line in answer.details)


@pytest.mark.slow
def test_where_a_lane_stopped_is_said(root):
    answer = ended(root, "exit", "3")
    assert answer.headline.startswith("the lane stopped at b, exit code 3")
    assert any("see logs/b.log" in line for line in answer.details)


@pytest.mark.slow
def test_a_lane_that_is_done_is_to_be_verified(root):
    (root / "run").mkdir(parents=True)
    (root / "run/manifest.json").write_text('{"claim_level": "validation"}')
    answer = ended(root)
    assert answer.headline == ("the lane is done: 2 of 2 commands passed, the run is validation")
    assert answer.next == f"mhx verify {root}"
    assert "core-hours (stage" in answer.details[-1]
