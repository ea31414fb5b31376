"""Stretches of a finished run, integrated again and compared bit for bit.

One stretch ends at the terminal checkpoint, the other begins at a retained state drawn from the
operating system's random source: who alters data in the middle of a run cannot know which stretch
will be asked for.  Compared are the coefficients of each retained state that is reached, and every
history row on the way, that of the first step included.  The row of step 0, on which every
amplification rests, is computed anew in any case.
"""

import math
import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mhx.campaigns.folder import RunFolder
from mhx.campaigns.rutherford.stepper import RutherfordStepper
from mhx.errors import EvidenceError
from mhx.evidence.checkpoints import Checkpoint, intact
from mhx.evidence.provenance import code_digest, dependencies
from mhx.reconnection.compilation import keep_compilations
from mhx.reconnection.config import Reconnection
from mhx.reconnection.state import State
from mhx.reconnection.trajectory import read_segment, read_state

TAIL, DRAWN, START = "tail", "drawn", "start"
ROUND_OFF = ("dissipation_budget_residual", "magnetic_divergence_linf", "energy_increase_rate")
"""History names whose exact value is 0: what they hold is round-off, compared on the scale of 1."""


@dataclass(frozen=True, kw_only=True)
class Retained:
    """A state that is still on disk."""

    step: int
    path: Path


@dataclass(frozen=True, kw_only=True)
class Stretch:
    """One stretch and the largest difference found in it.

    state_difference: relative L2 of the coefficients; row_difference: largest over history names,
        relative to the largest value of that name in the stretch.
    """

    purpose: str
    start_step: int
    end_step: int
    states_compared: int
    rows_compared: int
    state_difference: float
    row_difference: float
    device: str

    @property
    def difference(self) -> float:
        return max(self.state_difference, self.row_difference)

    def document(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, kw_only=True)
class RestartCheck:
    """What was integrated again; `reason` says why a stretch is missing."""

    stretches: Sequence[Stretch]
    reason: str = ""

    @property
    def difference(self) -> float | None:
        """None when a stretch that is asked for was not integrated."""
        if self.reason or not self.stretches:
            return None
        return max(stretch.difference for stretch in self.stretches)

    def same_machine(self, records: Sequence[Checkpoint]) -> bool:
        """True when it ran with the code, JAX version and device kind that wrote the run."""
        jax, code = dependencies().get("jax"), code_digest()
        here = {(code, jax, one.device) for one in self.stretches}
        names = ("code_digest", "jax_version", "device")
        for record in records:
            written = record.document.get("environment")
            if not isinstance(written, Mapping):
                return False
            if tuple(written.get(name) for name in names) not in here:
                return False
        return True

    def document(self) -> dict[str, Any]:
        return {
            "stretches": [stretch.document() for stretch in self.stretches],
            "reason": self.reason,
            "random_source": "operating system",
        }


def restart_check(
    folder: RunFolder, config: Reconnection, records: Sequence[Checkpoint], max_steps: int
) -> RestartCheck:
    """Integrate the last stretch again, and a random one; each at most `max_steps` long."""
    kept, rows = list(_retained(folder, records)), _rows(folder, records)
    if lacking := _lacking(records, kept, rows):
        return RestartCheck(stretches=(), reason=f"{lacking} is not on disk")
    tail = (kept[-2], kept[-1])
    first = secrets.choice(kept[:-1])
    following = kept[kept.index(first) + 1]
    keep_compilations()
    stretches = []
    reason = ""
    if tail[1].step - tail[0].step <= max_steps:
        stretches.append(_again(config, tail, kept, rows, TAIL))
    else:
        reason = (
            f"the last stretch has {tail[1].step - tail[0].step} steps, "
            f"more than --restart-check-max-steps {max_steps}"
        )
    if (first, following) != tail:
        end = min(following.step, first.step + max_steps)
        stretches.append(
            _again(config, (first, Retained(step=end, path=following.path)), kept, rows, DRAWN)
        )
    if all(one.start_step for one in stretches):
        stretches.append(_again(config, (kept[0], kept[0]), kept, rows, START))
    for one in stretches:
        if one.purpose != START and not one.states_compared and one.rows_compared < 2:
            reason = (
                f"no sample lies between steps {one.start_step} and {one.end_step}: "
                f"--restart-check-max-steps {max_steps} is too short to compare anything"
            )
    return RestartCheck(stretches=stretches, reason=reason)


def _lacking(
    records: Sequence[Checkpoint], kept: Sequence[Retained], rows: Mapping[int, Any]
) -> str:
    """What there must be before anything can be integrated again, as far as it is not there."""
    ours = [record.step for record in records if not record.registered]
    if not kept or kept[0].step:
        return "the initial state"
    if not ours or kept[-1].step != ours[-1]:
        return "the terminal state"
    return "" if 0 in rows else "the row of step 0"


def _retained(folder: RunFolder, records: Sequence[Checkpoint]) -> Iterator[Retained]:
    if folder.initial_state.is_file():
        yield Retained(step=0, path=folder.initial_state)
    for record in records:
        whole = bool(record.state) and intact(folder.root, record.state)
        if whole and not record.registered and record.step:
            yield Retained(step=record.step, path=folder.root / next(iter(record.state)))


def _rows(folder: RunFolder, records: Sequence[Checkpoint]) -> dict[int, Mapping[str, float]]:
    """Every row of the segments, those at checkpoints included, by step."""
    names = [name for record in records if not record.registered for name in record.history]
    segments = (read_segment(folder.root / name) for name in names)
    return {int(row["step"]): row for segment in segments for row in segment.rows}


def _again(
    config: Reconnection,
    ends: tuple[Retained, Retained],
    kept: Sequence[Retained],
    rows: Mapping[int, Mapping[str, float]],
    purpose: str,
) -> Stretch:
    initial, belongs = read_state(kept[0].path, grid=config.grid)
    start, _ = read_state(ends[0].path, grid=config.grid)
    if start.step != ends[0].step:
        raise EvidenceError(f"{ends[0].path} is of step {start.step}, not {ends[0].step}")
    stepper = RutherfordStepper(config, initial, start, belongs)
    states = {one.step: one.path for one in kept if ends[0].step < one.step <= ends[1].step}
    stops = {step for step in rows if ends[0].step <= step <= ends[1].step} | set(states)
    state_difference = 0.0
    compared: list[tuple[Mapping[str, float], Mapping[str, float]]] = []
    for stop in sorted(stops):
        stepper.advance(stop - stepper.step)
        if stepper.observe() is not None:
            state_difference = math.inf
            break
        if stop in rows:
            compared.append((rows[stop], stepper.last_row))
        if stop in states:
            state_difference = max(state_difference, _apart(stepper.state, states[stop]))
    return Stretch(
        purpose=purpose,
        start_step=ends[0].step,
        end_step=ends[1].step,
        states_compared=len(states),
        rows_compared=len(compared),
        state_difference=state_difference,
        row_difference=_rows_apart(compared),
        device=stepper.solver.device,
    )


def _apart(state: State, path: Path) -> float:
    stored, _ = read_state(path)
    if stored.psi_hat.shape != state.psi_hat.shape:
        return math.inf
    pairs = [(state.psi_hat, stored.psi_hat), (state.omega_hat, stored.omega_hat)]
    pairs.append(
        (
            np.array([state.dissipated, state.injected]),
            np.array([stored.dissipated, stored.injected]),
        )
    )
    return max(_relative(ours, theirs) for ours, theirs in pairs)


def _relative(ours: np.ndarray, theirs: np.ndarray, at_least: float = 0.0) -> float:
    """L2 of the difference over that of `theirs`, or over `at_least` where that is more.

    Infinite where it is no number: what cannot be compared is not equal.
    """
    if np.array_equal(ours, theirs):
        return 0.0
    scale = max(float(np.linalg.norm(theirs)), at_least) or 1.0
    apart = float(np.linalg.norm(ours - theirs)) / scale
    return apart if math.isfinite(apart) else math.inf


def _rows_apart(pairs: Sequence[tuple[Mapping[str, float], Mapping[str, float]]]) -> float:
    if not pairs:
        return 0.0
    if any(stored.keys() - again.keys() for stored, again in pairs):
        return math.inf
    names = set().union(*(stored for stored, _ in pairs))
    apart = []
    for name in names:
        told = [(stored, again) for stored, again in pairs if name in stored]
        ours = np.array([float(again[name]) for _, again in told])
        theirs = np.array([float(stored[name]) for stored, _ in told])
        unit = 1.0 if name in ROUND_OFF else 0.0
        apart.append(_relative(ours, theirs, at_least=unit))
    return max(apart)
