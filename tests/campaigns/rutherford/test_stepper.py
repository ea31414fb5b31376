"""The stepper: faults are found where they are, and samples belong to states, not to calls."""

import numpy as np
import pytest

from mhx.campaigns.execute import NON_FINITE, UNSTABLE
from mhx.campaigns.folder import RunFolder
from mhx.campaigns.plan import read_plan
from mhx.campaigns.rutherford.binding import bind
from mhx.campaigns.rutherford.stepper import RutherfordStepper
from mhx.reconnection.state import State
from mhx.reconnection.trajectory import read_segment, read_state

pytestmark = pytest.mark.usefixtures("quick")


@pytest.fixture
def stepper(run_dir):
    folder = RunFolder(run_dir)
    bound = bind(folder, read_plan(folder), None, None, "test")
    made = RutherfordStepper(bound.config, bound.initial, bound.initial, bound.belongs)
    assert made.observe() is None
    return made


def put(stepper, change):
    good = stepper.state
    bad = State(7, 0.07, change(good.psi_hat), good.omega_hat)
    stepper._carry, stepper._step = stepper.solver.load(bad), 7


def with_nan(hat):
    out = hat.copy()
    out[1, 1] = np.nan
    return out


BAD = {
    "not finite": (with_nan, NON_FINITE, "not finite"),
    "unstable": (lambda hat: 1000 * hat, UNSTABLE, "dt/dt_max 6"),
}


@pytest.mark.parametrize(("change", "kind", "text"), BAD.values(), ids=BAD)
def test_a_bad_state_is_refused_with_step_time_and_remedy(stepper, change, kind, text):
    rows = len(stepper._rows)
    put(stepper, change)
    fault = stepper.observe()
    assert (fault.kind, fault.step, fault.time) == (kind, 7, pytest.approx(0.07))
    assert text in fault.message and "--dt 0.005 would do" in fault.message
    assert len(stepper._rows) == rows
    stepper.go_back()
    assert stepper.step == 0 and stepper.observe() is None


def test_going_back_restores_every_bit(stepper):
    stepper.advance(5)
    stepper.observe()
    good = stepper.state
    stepper.advance(5)
    stepper.go_back()
    stepper.observe()
    assert stepper.step == 5
    assert stepper.state.psi_hat.tobytes() == good.psi_hat.tobytes()


def test_rows_are_let_go_when_they_are_written(stepper, tmp_path):
    stepper.advance(5)
    stepper.observe()
    stepper.write_segment(tmp_path / "one.npz")
    stepper.written()
    stepper.advance(2)
    stepper.observe()
    stepper.write_segment(tmp_path / "two.npz")
    one, two = read_segment(tmp_path / "one.npz"), read_segment(tmp_path / "two.npz")
    assert [row["step"] for row in one.rows] == [0, 5] and one.end_step == 5
    assert [row["step"] for row in two.rows] == [7] and two.start_step == 5


def test_a_state_file_gives_the_same_bits_back(stepper, tmp_path):
    stepper.advance(3)
    stepper.observe()
    stepper.write_state(tmp_path / "state.npz")
    state, belongs = read_state(tmp_path / "state.npz", grid=stepper.config.grid)
    assert state.psi_hat.tobytes() == stepper.state.psi_hat.tobytes()
    assert (state.dissipated, belongs) == (stepper.state.dissipated, stepper.belongs)


def test_the_room_asked_for_is_enough(stepper, tmp_path):
    for _ in range(4):
        stepper.advance(5)
        stepper.observe()
    needed = stepper.checkpoint_bytes
    for name in ("state", "segment", "frames"):
        getattr(stepper, f"write_{name}")(tmp_path / f"{name}.npz")
    assert sum(path.stat().st_size for path in tmp_path.glob("*.npz")) <= needed
