"""Without a forgery the claim is granted: what is refused elsewhere is refused for the forgery."""

import shutil

import pytest

from .installed import plain
from .refusal import TOP, check, level
from .small_lane import claim, done

pytestmark = pytest.mark.accept


def test_the_lane_that_the_forgeries_start_from_earns_its_claim(mhx, undecided):
    done(claim(mhx, undecided))
    done(mhx("verify", undecided.run))
    assert level(mhx, undecided) == TOP
    assert plain(undecided.run / "verify.py").code == 0


def test_a_claimed_run_is_judged_again_and_stays_claimed(mhx, claimed):
    """Nothing was altered: checking and asking again, by other draws, finds nothing."""
    done(check(mhx, claimed))
    done(mhx("campaign", "rutherford-execute", claimed.run, "--max-steps", 0))
    assert level(mhx, claimed) == TOP
    done(check(mhx, claimed))
    done(claim(mhx, claimed))
    assert level(mhx, claimed) == TOP


def test_evidence_that_was_moved_is_judged_again(mhx, undecided):
    """An older report that names another folder does not stand in the way."""
    moved = undecided.root / "moved"
    shutil.move(undecided.crosscheck, moved)
    both = ("--convergence-dir", undecided.convergence, "--convergence-dir", moved)
    done(check(mhx, undecided, *both, "--seed-qi-dir", undecided.seeds))
    done(claim(mhx, undecided))
    done(mhx("verify", undecided.run))
