"""What a run leaves on disk of its motion: states, history segments, frames, the whole history.

States and segments are written once and never change; a resume reads the coefficients of a state
and nothing else.  A history is assembled from the segments of one chain and is never an input of
a run.

Rows (samples) belong to step 0, to every multiple of `save_every`, and to the step of a
checkpoint. The last kind is provisional: it counts only while it is the newest row, or when it is
the final step. So an assembled history does not depend on where a run was cut.  Frames follow the
same rule with their own stride `every`, a multiple of `save_every`.

Arrays are (nx, ny), [x, y], cell-centred; times in L/v_A.  How a file is laid out: `arrays.py`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mhx.errors import EvidenceError
from mhx.evidence import schemas
from mhx.reconnection.arrays import checked, read_arrays, scalar, write_arrays
from mhx.reconnection.diagnostics import HISTORY, assemble
from mhx.reconnection.spectral import Grid
from mhx.reconnection.state import State

FRAME_POINTS = 128  # a picture keeps every n-th grid point, at most this many along each axis
MAX_FRAMES = 200
_DERIVED = "reconnection_rate_proxy"  # needs the whole series: made at assembly, in no segment
_POINTS = ("x", "y", "psi", "kind")  # kind: +1 O point, -1 X point


@dataclass(frozen=True, kw_only=True)
class Belongs:
    """What ties a file to its run: every part of one chain carries the same values.

    initial_energy: total energy at step 0 [v_A^2, domain mean], the scale of the budget residual.
    """

    plan_digest: str = ""
    dtype: str = "float64"
    initial_energy: float = 0.0


def write_state(path: Path, state: State, *, grid: Grid, belongs: Belongs | None = None) -> None:
    """Write one state: the fields for the eye, the coefficients for the resume."""
    to = belongs or Belongs()
    hats = {"psi": state.psi_hat, "omega": state.omega_hat}
    write_arrays(
        path,
        schemas.CAMPAIGN_STATE,
        {
            **{name: np.fft.irfft2(hat, s=grid.shape) for name, hat in hats.items()},
            **{f"{name}_hat": hat for name, hat in hats.items()},
            "step": np.int64(state.step),
            "time": np.float64(state.time),
            "dissipated_energy": np.float64(state.dissipated),
            "injected_energy": np.float64(state.injected),
            "initial_energy": np.float64(to.initial_energy),
            "plan_digest": to.plan_digest,
            "dtype": to.dtype,
        },
    )


def read_state(path: Path, *, grid: Grid | None = None) -> tuple[State, Belongs]:
    """The state and what it belongs to; with `grid`, its shape must be the grid's."""
    needed = (
        *("psi", "omega", "psi_hat", "omega_hat", "step", "time"),
        *("dissipated_energy", "injected_energy", "initial_energy", "plan_digest", "dtype"),
    )
    found = read_arrays(path, schemas.CAMPAIGN_STATE, needed)
    shape = grid.shape if grid else found["psi"].shape
    if len(shape) != 2:
        raise EvidenceError(f"{path}: array 'psi' has shape {shape}, expected (nx, ny)")
    for name in ("psi", "omega"):
        checked(path, found, name, shape, "f")
    half = (shape[0], shape[1] // 2 + 1)
    state = State(
        step=scalar(path, found, "step", "i"),
        time=scalar(path, found, "time", "f"),
        psi_hat=checked(path, found, "psi_hat", half, "c"),
        omega_hat=checked(path, found, "omega_hat", half, "c"),
        dissipated=scalar(path, found, "dissipated_energy", "f"),
        injected=scalar(path, found, "injected_energy", "f"),
    )
    return state, Belongs(
        plan_digest=scalar(path, found, "plan_digest", "U"),
        dtype=scalar(path, found, "dtype", "U"),
        initial_energy=scalar(path, found, "initial_energy", "f"),
    )


@dataclass(frozen=True, kw_only=True)
class Segment:
    """The rows of one checkpoint interval (start_step, end_step]; the first one holds step 0 too.

    rows: one mapping per sample, the history names of `HISTORY` to numbers.
    points: per row the critical points, (n, 4): x, y, psi, kind (+1 O, -1 X); empty when not kept.
    """

    start_step: int
    end_step: int
    save_every: int
    rows: Sequence[Mapping[str, float]]
    points: Sequence[np.ndarray] = ()
    plan_digest: str = ""


def write_segment(path: Path, segment: Segment) -> None:
    """Write one history segment; it is never rewritten."""
    names = segment.rows[0].keys() if segment.rows else (HISTORY.keys() - {_DERIVED})
    steps = [int(row["step"]) for row in segment.rows]
    columns = {name: _column(name, [row[name] for row in segment.rows]) for name in names}
    tables = [np.reshape(np.asarray(table, float), (-1, 4)) for table in segment.points]
    table = np.concatenate([np.empty((0, 4)), *tables])
    owners = [step for step, rows in zip(steps, tables, strict=False) for _ in range(len(rows))]
    write_arrays(
        path,
        schemas.CAMPAIGN_HISTORY_SEGMENT,
        {
            **columns,
            **{f"point_{name}": table[:, n] for n, name in enumerate(_POINTS)},
            "point_step": np.asarray(owners, np.int64),
            "start_step": np.int64(segment.start_step),
            "end_step": np.int64(segment.end_step),
            "save_every": np.int64(segment.save_every),
            "plan_digest": segment.plan_digest,
        },
    )


def _column(name: str, values: Sequence[float]) -> np.ndarray:
    return np.asarray(values, HISTORY[name].dtype if name in HISTORY else np.float64)


def read_segment(path: Path) -> Segment:
    """One segment, its rows in order and inside its interval."""
    bounds = ("start_step", "end_step", "save_every")
    points = ("point_step", *(f"point_{name}" for name in _POINTS))
    found = read_arrays(
        path, schemas.CAMPAIGN_HISTORY_SEGMENT, ("step", "time", *bounds, "plan_digest", *points)
    )
    start, end, save_every = (scalar(path, found, name, "i") for name in bounds)
    digest = scalar(path, found, "plan_digest", "U")
    count = found["step"].size
    names = [name for name in found if name not in (*bounds, "plan_digest", *points)]
    for name in names:
        checked(path, found, name, (count,), found[name].dtype.kind)
    steps = checked(path, found, "step", (count,), "i")
    first = start if start else -1  # the row of step 0 belongs to the first segment
    if count and (steps[0] <= first or steps[-1] > end or (np.diff(steps) <= 0).any()):
        raise EvidenceError(
            f"{path}: array 'step' leaves the interval {start}..{end} of its segment "
            f"or is not ascending: {steps[0]}..{steps[-1]}"
        )
    owners = found["point_step"]
    table = np.stack([checked(path, found, name, owners.shape, "f") for name in points[1:]], axis=1)
    columns = {name: found[name].tolist() for name in names}
    return Segment(
        start_step=start,
        end_step=end,
        save_every=save_every,
        rows=[{name: columns[name][n] for name in names} for n in range(count)],
        points=[table[owners == step] for step in steps] if owners.size else (),
        plan_digest=digest,
    )


def select(steps: Sequence[int], every: int) -> list[int]:
    """Positions of the rows that count: multiples of `every`, and the newest row."""
    last = len(steps) - 1
    return [n for n, step in enumerate(steps) if step % every == 0 or n == last]


def join(paths: Sequence[Path]) -> list[Segment]:
    """The segments of one chain from step 0, without gap, overlap or change of plan."""
    chain: list[Segment] = []
    for path in paths:
        segment = read_segment(path)
        expected = chain[-1].end_step if chain else 0
        if segment.start_step != expected:
            raise EvidenceError(
                f"{path}: array 'start_step' is {segment.start_step}, but the segments before it "
                f"end at step {expected}"
            )
        for key in ("plan_digest", "save_every"):
            ours, theirs = getattr(segment, key), getattr((chain or [segment])[0], key)
            if ours != theirs:
                raise EvidenceError(
                    f"{path}: array {key!r} is {ours!r}, in the first segment it is {theirs!r}"
                )
        chain.append(segment)
    return chain


def assemble_history(paths: Sequence[Path]) -> dict[str, np.ndarray]:
    """The history of the run so far, from its segments in order; see the module text for the rows.

    A name that one segment lacks (an older mhx wrote it) is left out for the whole run.
    """
    chain = join(paths)
    if not chain:
        raise EvidenceError("no history segment: nothing has been sampled yet")
    rows = [row for segment in chain for row in segment.rows]
    if not rows:
        raise EvidenceError(f"{paths[0]}: array 'step' is empty: no sample in any segment")
    kept = [rows[n] for n in select([int(row["step"]) for row in rows], chain[0].save_every)]
    names = set.intersection(*(set(row) for row in kept))
    return assemble({name: _column(name, [row[name] for row in kept]) for name in names})


@dataclass(frozen=True)
class History:
    """A whole history as read: `absent` are names of the vocabulary that the file does not hold."""

    arrays: Mapping[str, np.ndarray]
    absent: tuple[str, ...] = ()


def kept(history: Mapping[str, np.ndarray], quantities: Sequence[str] | None) -> dict[str, Any]:
    """The arrays that a configuration asks to keep; time and step always, None keeps all."""
    return {
        name: values
        for name, values in history.items()
        if quantities is None or name in ("time", "step", *quantities)
    }


def write_history(path: Path, arrays: Mapping[str, np.ndarray]) -> None:
    """Write an assembled history."""
    write_arrays(path, schemas.CAMPAIGN_HISTORY, arrays)


def read_history(path: Path) -> History:
    """A whole history; old files stay readable, and what they lack is said."""
    found = read_arrays(path, schemas.CAMPAIGN_HISTORY, ("step", "time"))
    count = found["time"].size
    for name in found:
        checked(path, found, name, (count,), found[name].dtype.kind)
    return History(found, tuple(name for name in HISTORY if name not in found))


@dataclass(frozen=True)
class Frame:
    """One small picture of the run: psi and j = -lap(psi) on every n-th grid point, float32."""

    step: int
    time: float
    psi: np.ndarray
    j: np.ndarray


def frame_of(state: State, grid: Grid) -> Frame:
    """The picture of one state; points are picked, not averaged, so that peaks keep their value."""
    strides = tuple(slice(None, None, -(-n // FRAME_POINTS)) for n in grid.shape)
    pictures = [
        np.fft.irfft2(hat, s=grid.shape)[strides].astype(np.float32)
        for hat in (state.psi_hat, grid.k2 * state.psi_hat)
    ]
    return Frame(state.step, state.time, *pictures)


def frame_stride(steps: int, save_every: int, limit: int = MAX_FRAMES) -> int:
    """Steps between frames: the least multiple of `save_every` that gives at most `limit` frames.

    Counted are step 0, each multiple, and the final step.
    """
    return save_every * max(1, -(-steps // (save_every * (limit - 1))))


@dataclass(frozen=True, kw_only=True)
class Frames:
    """Pictures of one stretch of a run, or of all of it.

    every: the stride; steps, times: (n,); psi, j: (n, fx, fy) float32.
    """

    every: int
    steps: np.ndarray
    times: np.ndarray
    psi: np.ndarray
    j: np.ndarray
    plan_digest: str = ""


def stack(frames: Sequence[Frame], *, every: int, plan_digest: str = "") -> Frames:
    """Single pictures as one value."""
    return Frames(
        every=every,
        steps=np.asarray([frame.step for frame in frames], np.int64),
        times=np.asarray([frame.time for frame in frames], np.float64),
        psi=np.stack([frame.psi for frame in frames]),
        j=np.stack([frame.j for frame in frames]),
        plan_digest=plan_digest,
    )


def write_frames(path: Path, frames: Frames) -> None:
    """Write the pictures of one checkpoint interval; never rewritten."""
    write_arrays(
        path,
        schemas.CAMPAIGN_FRAMES,
        {
            "step": frames.steps,
            "time": frames.times,
            "psi": frames.psi,
            "j": frames.j,
            "every": np.int64(frames.every),
            "plan_digest": frames.plan_digest,
        },
    )


def read_frames(path: Path) -> Frames:
    """The pictures of one file."""
    found = read_arrays(
        path, schemas.CAMPAIGN_FRAMES, ("step", "time", "psi", "j", "every", "plan_digest")
    )
    count = (found["step"].size,)
    shape = count + found["psi"].shape[1:]
    if len(shape) != 3:
        raise EvidenceError(f"{path}: array 'psi' has shape {shape}, expected (n, fx, fy)")
    return Frames(
        every=scalar(path, found, "every", "i"),
        steps=checked(path, found, "step", count, "i"),
        times=checked(path, found, "time", count, "f"),
        psi=checked(path, found, "psi", shape, "f"),
        j=checked(path, found, "j", shape, "f"),
        plan_digest=scalar(path, found, "plan_digest", "U"),
    )


def join_frames(paths: Sequence[Path]) -> Frames:
    """All pictures of a run in order, provisional ones left out but for the newest."""
    if not paths:
        raise EvidenceError("no frames file: this run has stored no pictures yet")
    parts = [read_frames(path) for path in paths]
    first = parts[0]
    for path, part in zip(paths, parts, strict=True):
        if (part.every, part.plan_digest, part.psi.shape[1:]) != (
            *(first.every, first.plan_digest),
            first.psi.shape[1:],
        ):
            raise EvidenceError(
                f"{path}: arrays 'every', 'plan_digest' or 'psi' do not match those of {paths[0]}"
            )
    whole = {
        name: np.concatenate([getattr(part, name) for part in parts])
        for name in ("steps", "times", "psi", "j")
    }
    if (np.diff(whole["steps"]) <= 0).any():
        raise EvidenceError(f"{paths[-1]}: array 'step' does not ascend from file to file")
    kept = select(whole["steps"].tolist(), first.every)
    arrays = {name: values[kept] for name, values in whole.items()}
    return Frames(every=first.every, plan_digest=first.plan_digest, **arrays)
