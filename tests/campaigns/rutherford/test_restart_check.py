"""Stretches integrated again: what they find, where they must be unknown, and what they cannot see.

Every alteration here is rebuilt afterwards: no hash is wrong, only the equations are not obeyed.
"""

import math
import shutil

import pytest

from mhx.campaigns.folder import RunFolder
from mhx.campaigns.plan import read_plan
from mhx.campaigns.rutherford import restart_check as again
from mhx.config import parse
from mhx.evidence.checkpoints import read_records, write_record
from mhx.evidence.verify import verify
from mhx.reconnection.config import Reconnection

from ..forger import alter, rebuild, rebuild_history, scaled

pytestmark = pytest.mark.usefixtures("swift")


def records_of(run):
    return [record for record in read_records(run)[0] if not record.registered]


def check(run, max_steps=20_000):
    folder = RunFolder(run)
    config = parse(Reconnection, read_plan(folder).config)
    return again.restart_check(folder, config, records_of(run), max_steps)


@pytest.fixture
def drawing(monkeypatch):
    """Fix the draw: the state at this step."""

    def draw(step):
        monkeypatch.setattr(
            again.secrets, "choice", lambda kept: next(one for one in kept if one.step == step)
        )

    return draw


def states(run):
    return sorted(run.glob("checkpoints/state_step_*.npz"))


def steps(run):
    return [record.step for record in records_of(run)]


def forged(run):
    """Every digest anew, and a proof that hashing finds nothing."""
    rebuild(run)
    rebuild_history(run)
    rebuild(run)
    assert verify(run).problems == []


def test_an_honest_run_agrees_to_the_last_bit(finished, drawing):
    drawing(steps(finished)[3])
    found = check(finished)
    assert (found.difference, found.reason) == (0.0, "")
    assert {one.purpose for one in found.stretches} == {"tail", "drawn", "start"}
    tail, drawn = found.stretches[:2]
    assert (tail.start_step, tail.end_step) == tuple(steps(finished)[-2:])
    assert (drawn.start_step, drawn.end_step) == tuple(steps(finished)[3:5])
    assert tail.rows_compared >= 10 and tail.states_compared == 1
    assert found.same_machine(records_of(finished))


def test_the_draw_is_among_the_retained_states_and_never_the_terminal_one(finished, monkeypatch):
    offered = []

    def choose(kept):
        offered.extend(one.step for one in kept)
        return kept[0]

    monkeypatch.setattr(again.secrets, "choice", choose)
    check(finished)
    assert offered == [0, *steps(finished)[:-1]]


def test_what_was_drawn_is_on_record(finished, drawing):
    drawing(steps(finished)[2])
    document = check(finished).document()
    assert document["stretches"][1]["start_step"] == steps(finished)[2]
    assert document["random_source"] == "operating system"


@pytest.fixture(scope="module")
def altered_middle(promotable, tmp_path_factory):
    """A state in the middle and the rows that lead to it, altered together, all digests rebuilt."""
    run = shutil.copytree(promotable, tmp_path_factory.mktemp("altered") / "run")
    middle = steps(run)[4]
    alter(run / f"checkpoints/state_step_{middle:012d}.npz", _twisted)
    alter(run / f"checkpoints/history_step_{middle:012d}.npz", scaled("sheet_flux_0", -1, 1.001))
    forged(run)
    return run


def _twisted(arrays):
    for name in ("psi_hat", "psi"):
        arrays[name] *= 1.0 + 1e-6


@pytest.mark.parametrize("position", [3, 4])
def test_an_altered_middle_is_found_where_the_draw_falls_on_it(altered_middle, drawing, position):
    drawing(steps(altered_middle)[position])
    found = check(altered_middle)
    assert found.difference > 1e-10
    assert [one.purpose for one in found.stretches if one.difference > 0] == ["drawn"]


@pytest.mark.parametrize("position", [0, 2, 6])
def test_an_altered_middle_is_not_found_elsewhere(altered_middle, drawing, position):
    """The limit of the check, as the threat model has it: a stretch not drawn is not proved."""
    drawing(steps(altered_middle)[position])
    assert check(altered_middle).difference == 0.0


def test_a_forged_end_is_always_found(finished, drawing):
    drawing(0)
    alter(states(finished)[-1], _twisted)
    forged(finished)
    assert check(finished).difference > 1e-10


def test_a_forged_last_row_is_always_found(finished, drawing):
    drawing(0)
    last = sorted(finished.glob("checkpoints/history_step_*.npz"))[-1]
    alter(last, scaled("mean_shear_change_0", -1, 1.0 + 1e-9))
    forged(finished)
    assert check(finished).difference > 0


def test_a_forged_first_row_is_always_found(finished, drawing):
    """On it every amplification rests, and a stretch elsewhere would not come by."""
    drawing(steps(finished)[4])
    first = sorted(finished.glob("checkpoints/history_step_*.npz"))[0]
    alter(first, scaled("sheet_flux_0", 0, 0.5))
    forged(finished)
    found = check(finished)
    assert [one.purpose for one in found.stretches if one.difference > 0] == ["start"]


def test_a_name_that_segments_do_not_hold_is_not_compared(finished, drawing):
    drawing(0)
    for path in sorted(finished.glob("checkpoints/history_step_*.npz"))[3:]:
        alter(path, lambda arrays: arrays.pop("flux_xo_0"))
    forged(finished)
    assert check(finished).difference == 0.0


def test_a_row_that_is_no_number_is_not_equal(finished, drawing):
    drawing(0)
    last = sorted(finished.glob("checkpoints/history_step_*.npz"))[-1]
    alter(last, scaled("kinetic_energy", 2, math.nan))
    forged(finished)
    assert check(finished).difference == math.inf


def test_a_state_that_is_no_number_is_not_equal(finished, drawing):
    drawing(0)
    alter(states(finished)[-1], lambda arrays: arrays["omega_hat"].__setitem__((1, 1), math.nan))
    forged(finished)
    assert check(finished).difference == math.inf


# -- what cannot be compared is unknown --------------------------------------------------------


def test_a_tail_longer_than_allowed_is_unknown(finished, drawing):
    drawing(0)
    found = check(finished, max_steps=10)
    assert found.difference is None
    assert "the last stretch has 83 steps, more than --restart-check-max-steps 10" in found.reason


def test_a_stretch_without_a_sample_proves_nothing(finished, drawing):
    """The last stretch is short enough, the drawn one is cut before its first sample."""
    for path in states(finished)[1:-2]:
        path.unlink()  # from step 85 to 595 no state is left
    for path in sorted(finished.glob("checkpoints/history_step_*.npz"))[1:2]:
        alter(path, lambda arrays: _cut(arrays, arrays["step"] == arrays["step"][-1]))
    rebuild(finished)
    drawing(steps(finished)[0])
    found = check(finished, max_steps=84)
    assert found.difference is None
    assert "no sample lies between steps 85 and 169" in found.reason


def _cut(arrays, rows):
    count = len(arrays["step"])
    for name, values in arrays.items():
        if values.shape == (count,) and not name.startswith("point"):
            arrays[name] = values[rows]


def test_without_the_initial_state_nothing_can_be_compared(finished):
    (finished / "checkpoints/initial_state.npz").unlink()
    found = check(finished)
    assert (found.difference, found.reason) == (None, "the initial state is not on disk")


def test_without_the_terminal_state_nothing_can_be_compared(finished):
    states(finished)[-1].unlink()
    found = check(finished)
    assert (found.difference, found.reason) == (None, "the terminal state is not on disk")


def test_without_any_checkpoint_nothing_can_be_compared(finished):
    folder = RunFolder(finished)
    config = parse(Reconnection, read_plan(folder).config)
    assert again.restart_check(folder, config, [], 100).difference is None


def test_pruned_states_make_the_stretch_longer(finished, drawing):
    for path in states(finished)[1:-1]:
        path.unlink()
    drawing(0)
    found = check(finished)
    tail = found.stretches[0]
    assert (tail.start_step, tail.end_step) == (steps(finished)[0], steps(finished)[-1])
    assert found.difference == 0.0


# -- where it runs -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "environment", [None, {}, "here", {"device": "gpu: other", "jax_version": "0", "dtype": "f"}]
)
def test_another_machine_has_the_tolerance_of_the_plan(finished, environment):
    found = check(finished)
    write_record(finished, {**records_of(finished)[3].document, "environment": environment})
    assert not found.same_machine(records_of(finished))
