"""What `[diagnostics] figures` and `frames` change in what a run leaves behind, and what not."""

import numpy as np
import pytest

from mhx.reconnection.run import FRAMES_FILE, run
from mhx.reconnection.trajectory import FRAME_POINTS, MAX_FRAMES, read_frames, read_state
from mhx.runner import RunRequest


def configured(steps=23, every=4, n=8, **diagnostics):
    return {
        "mesh": {"shape": [n, n]},
        "time": {"t1": steps * 0.01, "dt": 0.01, "save_every": every},
        "physics": {"equilibrium": "cosine_tearing"},
        "diagnostics": {"figures": False, **diagnostics},
    }


def ran(folder, **keys):
    return run(RunRequest(config=configured(**keys), output_dir=folder))


@pytest.mark.slow
def test_without_figures_none_is_drawn_and_the_numbers_are_the_same(tmp_path):
    quiet = ran(tmp_path / "quiet")
    drawn = ran(tmp_path / "drawn", figures=True)
    assert not (tmp_path / "quiet" / "figures").exists()
    assert (tmp_path / "drawn" / "figures" / "final_field.png").is_file()
    assert set(drawn.artifacts) > set(quiet.artifacts)
    for name in ("history.npz", "final_state.npz"):
        assert (tmp_path / "quiet" / name).read_bytes() == (tmp_path / "drawn" / name).read_bytes()


def test_no_frames_unless_asked_for(tmp_path):
    assert FRAMES_FILE not in ran(tmp_path).artifacts
    assert not (tmp_path / FRAMES_FILE).exists()


def test_frames_are_those_of_the_samples_and_the_last_state(tmp_path):
    summary = ran(tmp_path, frames=True)
    assert FRAMES_FILE in summary.artifacts
    frames = read_frames(tmp_path / FRAMES_FILE)
    assert frames.every == 4
    assert frames.steps.tolist() == [0, 4, 8, 12, 16, 20, 23]
    assert frames.times == pytest.approx(frames.steps * 0.01)
    state, _ = read_state(tmp_path / "final_state.npz")
    psi = np.fft.irfft2(state.psi_hat, s=(8, 8))
    assert frames.psi[-1] == pytest.approx(psi, rel=1e-6)


def test_frames_are_never_too_many_nor_too_large(tmp_path):
    ran(tmp_path, steps=250, every=1, n=8, frames=True)
    frames = read_frames(tmp_path / FRAMES_FILE)
    assert len(frames.steps) <= MAX_FRAMES
    assert frames.every == 2
    assert max(frames.psi.shape[1:]) <= FRAME_POINTS
