"""The manifest of a lane: whose results it keeps."""

import pytest

from mhx.campaigns.lane import document as lanes
from mhx.errors import ConfigError
from tests.campaigns.lane.stand_ins import lane_of, stand_in


def manifest(root, *words, ratio=0.5, ran=True):
    lane = lane_of(root, stand_in("a", *words))
    lane.campaign["time"]["largest_stability_ratio"] = ratio
    content = lanes.document(lane, before=None)
    content["execution"]["results"] = [{"id": "a"}] if ran else []
    return lane, content


OTHERS = {
    "another value": ({"ratio": 0.4}, (), r"time\.largest_stability_ratio: 0\.5 -> 0\.4"),
    "another command": ({}, ("exit", "1"), "command a differs"),
}


@pytest.mark.parametrize(("changes", "words", "told"), OTHERS.values(), ids=OTHERS)
def test_results_of_another_lane_are_left_alone(tmp_path, changes, words, told):
    _, there = manifest(tmp_path)
    lane, asked = manifest(tmp_path, *words, **changes)
    with pytest.raises(ConfigError, match=told):
        lanes.refuse_another(lane, there, asked)
    _, listed = manifest(tmp_path, ran=False)
    lanes.refuse_another(lane, listed, asked)  # a list that never ran is replaced


def test_how_a_lane_is_carried_out_is_no_part_of_it(tmp_path):
    _, there = manifest(tmp_path)
    _, asked = manifest(tmp_path)
    asked["campaign"] |= {"jobs": 4, "python_executable": "other", "timeouts": {"grace": 1}}
    assert lanes.same_lane(there, asked) == []
