"""What a run needs, and what there is."""

import math

import pytest

from mhx.campaigns import resources
from mhx.campaigns.resources import Needs, Room

MIB = 2**20


def needs(**changes):
    return Needs(**{"shape": (128, 128), "samples": 400, "checkpoints": 8, **changes})


def test_memory_of_a_256_square_run_stays_below_the_budget():
    assert 400 * MIB < needs(shape=(256, 256)).memory < 600 * MIB


def test_memory_does_not_grow_with_the_length_of_a_run():
    assert needs(samples=400).memory == needs(samples=40_000, checkpoints=900).memory


def test_disk_holds_at_least_the_states_that_are_kept():
    state = 4 * 8 * 1024 * 1024
    assert needs(shape=(1024, 1024), checkpoints=100).disk > (3 + 10) * state
    assert needs(checkpoints=2).disk < needs(checkpoints=200).disk


SHARES = {
    "half of the memory": ((2.0, 4.0), 0.5),
    "disk is scarcer": ((2.0, 0.5), 2.0),
    "no room at all": ((0.0, 1.0), math.inf),
}


@pytest.mark.parametrize(("factors", "expected"), SHARES.values(), ids=SHARES)
def test_the_scarcer_of_both_counts(factors, expected):
    memory, disk = factors
    wanted = needs()
    room = Room(memory=int(wanted.memory * memory), disk=int(wanted.disk * disk))
    share = resources.largest_share(resources.estimate(wanted, room))
    assert share == pytest.approx(expected, rel=1e-6)


def test_room_is_that_of_the_nearest_folder_that_exists(tmp_path):
    found = resources.room(tmp_path / "not" / "yet")
    assert found.disk > 0
    assert found.memory > 0
