"""What the history of one case must be, as far as that can be told without integrating it.

Its first row is that of the initial state, its last one that of the stored final state, both
computed anew; its steps and times are the configured ones; and in every row the quantities that
follow from others do so.  A row in the middle that obeys all this can still be wrong: against that
stands `reintegration`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial

import numpy as np

from mhx.reconnection.config import Reconnection
from mhx.reconnection.diagnostics import DERIVED, Sampler, assemble
from mhx.reconnection.equilibria import initial_state
from mhx.reconnection.state import State
from mhx.reconnection.timestep import fields_of

History = Mapping[str, np.ndarray]

CLOSE = {"float64": 1e-10, "float32": 1e-3}
"""Relative difference between machines, of the largest value of a series."""
ROUND_OFF = ("dissipation_budget_residual", "magnetic_divergence_linf", "energy_increase_rate")
"""Names whose exact value is 0: what they hold is round-off, compared on the scale of 1."""
TOLD = 3  # names that a problem lists before it counts the rest


def inconsistencies(config: Reconnection, history: History, state: State) -> Iterator[str]:
    """Why this cannot be the history of that configuration, one line each."""
    lacking = sorted(set(config.quantities) - history.keys())
    if lacking:
        yield f"the history lacks {_some(lacking)}"
    if off := _off_schedule(config, history):
        yield off
        return
    if fault := _unlike(config, state):
        yield fault
        return
    start = _in_precision(initial_state(config), config.numerics.dtype)
    sampler = Sampler(config, start, partial(fields_of, grid=config.grid))
    for place, name, at in ((0, "the initial state", start), (-1, "the final state", state)):
        if wrong := _apart(config, history, sampler.row(at), place):
            yield f"the row of {name} is not what that state gives: {_some(wrong)}"
    if wrong := list(_broken(config, history)):
        yield f"rows contradict themselves: {_some(wrong)}"


def differing(ours: History, theirs: History, scale: History, close: float) -> list[str]:
    """Names whose values are further apart than `close` of the largest value in `scale`."""
    return [name for name in ours if not _largest(ours, theirs, scale, name) <= close]


def largest_difference(ours: History, theirs: History, scale: History) -> float:
    """The largest difference of any name, in units of its largest value in `scale`."""
    return max((_largest(ours, theirs, scale, name) for name in ours), default=0.0)


def _largest(ours: History, theirs: History, scale: History, name: str) -> float:
    apart = np.abs(np.asarray(ours[name], float) - np.asarray(theirs[name], float))
    if not apart.any():
        return 0.0
    unit = float(np.abs(scale[name]).max())
    if name in ROUND_OFF:
        unit = max(unit, 1.0)
    worst = float(apart.max()) / unit if unit else float("inf")
    return worst if np.isfinite(worst) else float("inf")


def _off_schedule(config: Reconnection, history: History) -> str:
    """Steps 0, save_every, ..., last, each at its time."""
    expected = np.append(np.arange(0, config.steps, config.save_every), config.steps)
    if not np.array_equal(history["step"], expected):
        return (
            f"the samples are not those of {config.steps} steps, one every {config.save_every}: "
            f"{len(history['step'])} of {len(expected)}"
        )
    if not np.allclose(history["time"], expected * config.dt, rtol=1e-12, atol=0):
        return f"the times are not those of dt = {config.dt:g}"
    return ""


def _unlike(config: Reconnection, state: State) -> str:
    """Why this cannot be the last state of the run."""
    if state.step != config.steps:
        return f"the final state is of step {state.step}, not {config.steps}"
    if not np.isclose(state.time, config.t_end, rtol=1e-12):
        return f"the final state is of t = {state.time:g}, not {config.t_end:g}"
    if not state.finite:
        return "the final state is not finite"
    if state.psi_hat[~config.grid.keep].any() or state.omega_hat[~config.grid.keep].any():
        return "the final state has modes that the grid does not keep"
    return ""


def _in_precision(state: State, dtype: str) -> State:
    """A state as the solver holds it."""
    if dtype == "float64":
        return state
    psi, omega = (hat.astype(np.complex64) for hat in (state.psi_hat, state.omega_hat))
    return replace(state, psi_hat=psi, omega_hat=omega)


def _apart(
    config: Reconnection, history: History, row: Mapping[str, float], place: int
) -> list[str]:
    """Names of the row at `place` that differ from a row computed anew."""
    names = [name for name in row if name in history]
    ours = {name: np.array([row[name]]) for name in names}
    theirs = {name: history[name][[place]] for name in names}
    return differing(ours, theirs, history, CLOSE[config.numerics.dtype])


def _broken(config: Reconnection, history: History) -> Iterator[str]:
    """Names that follow from others in every row, and do not."""
    follows = dict(_following(config, history))
    known = {name: values for name, values in follows.items() if name in history}
    close = CLOSE[config.numerics.dtype]
    yield from differing(known, history, history, close)


def _following(config: Reconnection, history: History) -> Iterator[tuple[str, np.ndarray]]:
    if {"magnetic_energy", "kinetic_energy"} <= history.keys():
        yield "total_energy", history["magnetic_energy"] + history["kinetic_energy"]
    if {"total_energy", "dissipated_energy", "injected_energy"} <= history.keys():
        energy, lost, fed = (
            history[name] for name in ("total_energy", "dissipated_energy", "injected_energy")
        )
        scale = np.maximum(energy[0], lost)
        gap = np.abs(energy - energy[0] + lost - fed)
        yield "dissipation_budget_residual", gap / np.where(scale > 0, scale, 1.0)
    for width, flux in _WIDTHS:
        if config.shear and flux in history:
            yield width, 4 * np.sqrt(np.abs(history[flux]) / config.shear)
    if "reconnected_flux" in history:
        yield DERIVED, assemble({n: history[n] for n in ("time", "reconnected_flux")})[DERIVED]
    thickness, length = "current_sheet_thickness", "current_sheet_length"
    if thickness in history and length in history and (history[thickness] > 0).all():
        yield "current_sheet_aspect_ratio", history[length] / history[thickness]


_WIDTHS = (
    ("rutherford_island_width", "reconnected_flux"),
    ("island_width_0", "sheet_flux_0"),
    ("island_width_1", "sheet_flux_1"),
)


def _some(names: list[str]) -> str:
    more = f" and {len(names) - TOLD} more" if len(names) > TOLD else ""
    return ", ".join(sorted(names)[:TOLD]) + more
