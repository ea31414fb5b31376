"""States, segments, frames and histories: what is read is what was written, cuts leave no trace."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mhx.errors import EvidenceError
from mhx.evidence import schemas
from mhx.reconnection.arrays import read_arrays, write_arrays
from mhx.reconnection.diagnostics import HISTORY
from mhx.reconnection.spectral import Grid
from mhx.reconnection.state import State
from mhx.reconnection.trajectory import (
    Belongs,
    Frame,
    Segment,
    assemble_history,
    frame_of,
    frame_stride,
    join_frames,
    kept,
    read_frames,
    read_history,
    read_segment,
    read_state,
    stack,
    write_frames,
    write_history,
    write_segment,
    write_state,
)

GRID = Grid(24, 40, 2.0, 3.0)


def some_state(grid=GRID, step=300):
    rng = np.random.default_rng(1)
    psi, omega = (np.fft.rfft2(rng.normal(size=grid.shape)) * grid.keep for _ in range(2))
    return State(step, step * 0.1, psi, omega, 0.25, 0.125)


def test_a_state_comes_back_bit_for_bit(tmp_path):
    state, belongs = some_state(), Belongs(plan_digest="ab", dtype="float64", initial_energy=0.5)
    write_state(tmp_path / "s.npz", state, grid=GRID, belongs=belongs)
    found, to = read_state(tmp_path / "s.npz", grid=GRID)
    assert to == belongs
    assert (found.step, found.time) == (state.step, state.time)
    assert (found.dissipated, found.injected) == (state.dissipated, state.injected)
    assert found.psi_hat.tobytes() == state.psi_hat.tobytes()
    assert found.omega_hat.tobytes() == state.omega_hat.tobytes()


def test_a_state_file_has_the_names_and_types_of_the_specification(tmp_path):
    write_state(tmp_path / "s.npz", some_state(), grid=GRID)
    found = read_arrays(tmp_path / "s.npz", schemas.CAMPAIGN_STATE)
    assert found.keys() == {
        "step", "time", "psi", "omega", "psi_hat", "omega_hat", "dissipated_energy",
        "injected_energy", "initial_energy", "plan_digest", "dtype",
    }  # fmt: skip
    assert found["step"].dtype == np.int64
    assert found["psi"].shape == GRID.shape
    assert found["psi_hat"].shape == GRID.hat_shape
    np.testing.assert_allclose(np.fft.rfft2(found["psi"]), found["psi_hat"], atol=1e-11)


def test_equal_states_are_equal_bytes(tmp_path):
    for name in ("a.npz", "b.npz"):
        write_state(tmp_path / name, some_state(), grid=GRID)
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()


def test_single_precision_is_kept(tmp_path):
    state = some_state()
    single = State(1, 0.1, state.psi_hat.astype(np.complex64), state.omega_hat.astype(np.complex64))
    write_state(tmp_path / "s.npz", single, grid=GRID, belongs=Belongs(dtype="float32"))
    found, to = read_state(tmp_path / "s.npz")
    assert found.psi_hat.dtype == np.complex64
    assert to.dtype == "float32"


def test_a_state_of_another_grid_is_refused(tmp_path):
    write_state(tmp_path / "s.npz", some_state(), grid=GRID)
    with pytest.raises(EvidenceError, match=r"array 'psi' has shape \(24, 40\)"):
        read_state(tmp_path / "s.npz", grid=Grid(40, 24))


@pytest.mark.parametrize("name", ["psi_hat", "omega_hat", "step", "dissipated_energy", "dtype"])
def test_a_state_without_one_of_its_arrays_is_refused(tmp_path, name):
    path = tmp_path / "s.npz"
    write_state(path, some_state(), grid=GRID)
    arrays = read_arrays(path, schemas.CAMPAIGN_STATE)
    del arrays[name]
    write_arrays(path, schemas.CAMPAIGN_STATE, arrays)
    with pytest.raises(EvidenceError, match=f"array '{name}' is missing"):
        read_state(path)


def row(step):
    """A row that depends on its step alone, with every name but the derived one."""
    names = HISTORY.keys() - {"reconnection_rate_proxy"}
    values = {name: np.sin(step + n) for n, name in enumerate(sorted(names))}
    whole = {name: int(step % 5) for name in names if HISTORY[name].dtype == "int64"}
    return values | whole | {"step": step, "time": step * 0.1}


def points_of(step):
    return np.full((step % 3, 4), float(step))


def write_chain(folder, cuts, save_every):
    """Segments as an executor leaves them: rows at 0, at multiples, and at each cut."""
    paths = []
    for start, end in pairwise([0, *cuts]):
        steps = [
            s for s in range(start, end + 1)
            if (s > start or s == 0) and (s % save_every == 0 or s == end)
        ]  # fmt: skip
        path = folder / f"history_step_{end:012d}.npz"
        segment = Segment(
            start_step=start, end_step=end, save_every=save_every, plan_digest="p",
            rows=[row(s) for s in steps], points=[points_of(s) for s in steps],
        )  # fmt: skip
        write_segment(path, segment)
        paths.append(path)
    return paths


def test_a_segment_comes_back_with_its_points(tmp_path):
    (path,) = write_chain(tmp_path, [7], 3)
    found = read_segment(path)
    assert (found.start_step, found.end_step, found.save_every) == (0, 7, 3)
    assert [r["step"] for r in found.rows] == [0, 3, 6, 7]
    assert found.rows[2] == row(6)
    assert isinstance(found.rows[0]["step"], int)
    for step, table in zip((0, 3, 6, 7), found.points, strict=True):
        np.testing.assert_array_equal(table, points_of(step))


@settings(max_examples=25, deadline=None)  # files are synced: a slow disk is no failure
@given(
    steps=st.integers(1, 40),
    save_every=st.integers(1, 9),
    cuts=st.sets(st.integers(1, 39), max_size=8),
)
def test_an_assembled_history_does_not_depend_on_the_cuts(
    tmp_path_factory, steps, save_every, cuts
):
    folder = tmp_path_factory.mktemp("cuts")
    (folder / "one").mkdir()
    whole = assemble_history(write_chain(folder / "one", [steps], save_every))
    cut = assemble_history(
        write_chain(folder, [*sorted(c for c in cuts if c < steps), steps], save_every)
    )
    assert whole.keys() == cut.keys()
    for name in whole:
        assert whole[name].tobytes() == cut[name].tobytes(), name
    wanted = [s for s in range(steps + 1) if s % save_every == 0 or s == steps]
    assert cut["step"].tolist() == wanted
    write_history(folder / "a.npz", whole)
    write_history(folder / "b.npz", cut)
    assert (folder / "a.npz").read_bytes() == (folder / "b.npz").read_bytes()


def test_a_provisional_row_counts_only_while_it_is_the_newest(tmp_path):
    paths = write_chain(tmp_path, [5, 11], 4)
    assert assemble_history(paths[:1])["step"].tolist() == [0, 4, 5]
    assert assemble_history(paths)["step"].tolist() == [0, 4, 8, 11]


def test_the_rate_is_made_over_the_whole_series(tmp_path):
    history = assemble_history(write_chain(tmp_path, [4, 9, 20], 2))
    wanted = np.gradient(history["reconnected_flux"], history["time"])
    np.testing.assert_array_equal(history["reconnection_rate_proxy"], wanted)


def test_a_gap_between_segments_is_refused(tmp_path):
    paths = write_chain(tmp_path, [5, 10, 15], 5)
    with pytest.raises(EvidenceError, match=r"'start_step' is 10, .* end at step 5"):
        assemble_history([paths[0], paths[2]])


def test_segments_of_two_plans_are_not_joined(tmp_path):
    paths = write_chain(tmp_path, [5, 10], 5)
    other = Segment(start_step=5, end_step=10, save_every=5, rows=[row(10)], plan_digest="q")
    write_segment(paths[1], other)
    with pytest.raises(EvidenceError, match="'plan_digest' is 'q', in the first segment it is 'p'"):
        assemble_history(paths)


def test_rows_outside_their_segment_are_refused(tmp_path):
    path = tmp_path / "h.npz"
    write_segment(path, Segment(start_step=5, end_step=10, save_every=5, rows=[row(5), row(10)]))
    with pytest.raises(EvidenceError, match="array 'step' leaves the interval"):
        read_segment(path)


def test_a_segment_of_an_older_mhx_lacks_a_name_and_stays_readable(tmp_path):
    paths = write_chain(tmp_path, [5, 10], 5)
    old = [{k: v for k, v in row(s).items() if k != "flux_xo_0"} for s in (0, 5)]
    write_segment(
        paths[0], Segment(start_step=0, end_step=5, save_every=5, rows=old, plan_digest="p")
    )
    history = assemble_history(paths)
    assert "flux_xo_0" not in history
    assert history["step"].tolist() == [0, 5, 10]
    write_history(tmp_path / "history.npz", history)
    found = read_history(tmp_path / "history.npz")
    assert found.absent == ("flux_xo_0",)
    np.testing.assert_array_equal(found.arrays["total_energy"], history["total_energy"])


def test_arrays_of_unequal_length_are_no_history(tmp_path):
    arrays = {"time": np.zeros(3), "step": np.arange(3), "total_energy": np.zeros(2)}
    write_history(tmp_path / "h.npz", arrays)
    with pytest.raises(EvidenceError, match="array 'total_energy' has shape"):
        read_history(tmp_path / "h.npz")


def test_only_the_quantities_asked_for_are_kept():
    arrays = {name: np.zeros(2) for name in ("time", "step", "total_energy", "kinetic_energy")}
    assert kept(arrays, ["kinetic_energy"]).keys() == {"time", "step", "kinetic_energy"}
    assert kept(arrays, None).keys() == arrays.keys()


def test_a_frame_picks_points_and_j_is_minus_lap_psi():
    grid = Grid(300, 20)
    psi = np.cos(3 * grid.x)[:, None] * np.sin(grid.y)[None, :]
    state = State(0, 0.0, np.fft.rfft2(psi) * grid.keep, np.zeros(grid.hat_shape, complex))
    frame = frame_of(state, grid)
    assert frame.psi.shape == (100, 20)
    assert frame.psi.dtype == frame.j.dtype == np.float32
    np.testing.assert_allclose(frame.psi, psi[::3], atol=1e-6)
    np.testing.assert_allclose(frame.j, 10 * psi[::3], atol=1e-5)


@given(steps=st.integers(1, 10**6), save_every=st.integers(1, 5000))
def test_the_stride_keeps_a_movie_within_its_limit(steps, save_every):
    every = frame_stride(steps, save_every)
    frames = set(range(0, steps + 1, every)) | {steps}
    assert len(frames) <= 200
    assert every % save_every == 0


def test_the_stride_is_the_least_one():
    assert frame_stride(1990, 10) == 10
    assert frame_stride(1991, 10) == 20


def write_pictures(folder, cuts, every):
    paths = []
    for start, end in pairwise([-1, *cuts]):
        steps = [s for s in range(start + 1, end + 1) if s % every == 0 or s == end]
        pictures = [Frame(s, s * 0.1, *np.full((2, 3, 4), s, np.float32)) for s in steps]
        paths.append(folder / f"frames_step_{end:012d}.npz")
        write_frames(paths[-1], stack(pictures, every=every, plan_digest="p"))
    return paths


def test_frames_join_without_the_pictures_of_old_checkpoints(tmp_path):
    whole = join_frames(write_pictures(tmp_path, [5, 7, 12, 14], 4))
    assert whole.steps.tolist() == [0, 4, 8, 12, 14]
    assert whole.psi[:, 0, 0].tolist() == whole.steps.tolist()
    np.testing.assert_array_equal(whole.times, whole.steps * 0.1)


def test_frames_of_two_plans_are_not_joined(tmp_path):
    paths = write_pictures(tmp_path, [5, 10], 5)
    part = read_frames(paths[1])
    other = Frame(10, 1.0, part.psi[-1], part.j[-1])
    write_frames(paths[1], stack([other], every=5, plan_digest="q"))
    with pytest.raises(EvidenceError, match="do not match"):
        join_frames(paths)


WRITERS = {
    "state": (lambda p: write_state(p, some_state(), grid=GRID), read_state),
    "segment": (lambda p: write_segment(p, Segment(
        start_step=0, end_step=1, save_every=1, rows=[row(0), row(1)])), read_segment),
    "history": (lambda p: write_history(p, {"time": np.zeros(2), "step": np.arange(2)}),
                read_history),
    "frames": (lambda p: write_frames(p, stack([frame_of(some_state(), GRID)], every=1)),
               read_frames),
}  # fmt: skip


@pytest.mark.parametrize(("write", "read"), WRITERS.values(), ids=WRITERS)
@pytest.mark.parametrize("share", [0.0, 0.3, 0.9, 0.999])
def test_a_torn_file_is_refused_by_name(tmp_path, write, read, share):
    path = tmp_path / "torn.npz"
    write(path)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(share * len(whole))])
    with pytest.raises(EvidenceError, match=r"torn\.npz"):
        read(path)


@pytest.mark.parametrize(("write", "read"), WRITERS.values(), ids=WRITERS)
def test_a_file_of_another_kind_is_refused(tmp_path, write, read):
    write(tmp_path / "mine.npz")
    others = [r for _, r in WRITERS.values() if r is not read]
    for other in others:
        with pytest.raises(EvidenceError, match="another kind of file"):
            other(tmp_path / "mine.npz")
