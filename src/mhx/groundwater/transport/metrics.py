"""`transport_metrics.*` of a finished transport run, from its `TransportResult` alone.

c0 is the largest concentration that enters, is held, or was there at the start; where mass is only
added there is none, and the largest of the run stands for it where a level is needed.  What stands
of a plume (mass, front, centre, spread, area) is of the last saved step; extremes are of all saved
steps.  What has no value, such as an arrival that never came, is NaN; what cannot be told is left
out.  Concentrations kg/m3, masses kg, times d, lengths m.  Words: `vocabulary.py`.
"""

import math
from collections.abc import Callable, Mapping

import numpy as np

from mhx.groundwater.grid import Floats, Grid
from mhx.groundwater.transport import dispersion, fronts
from mhx.groundwater.transport.dispersion import Medium, Numbers
from mhx.groundwater.transport.results import TransportResult
from mhx.groundwater.units import DAY

INSIDE = ("storage", "sorption", "decay")
"""Components of the solute budget that are no way in or out."""
ARRIVALS = {"arrival10_d": 0.1, "arrival50_d": 0.5, "arrival90_d": 0.9}
"""Shares of c0 at which a breakthrough curve arrives."""
FRONT, AHEAD, BEHIND, PLUME = 0.5, 0.16, 0.84, 0.01
"""Shares of c0: the front, both ends of its width, and what belongs to the plume."""


def transport_metrics(
    result: TransportResult, grid: Grid, medium: Medium | None = None, line: Floats | None = None
) -> dict[str, float]:
    """Every metric of `vocabulary.py` that this run has, without the prefix.

    medium: for Courant, Peclet and dispersion, which are left out without it or without
    connections.  line: (k, 2) m along which the front is measured, else along the mean flow.
    """
    told = medium is not None and result.connections is not None
    found = dispersion.numbers(result, grid, medium) if told and medium is not None else None
    scheme = result.about.get("scheme", {})
    return {
        "duration_s": result.about["duration_s"],
        "n_timesteps": result.steps_d.size,
        **result.about["parameters"],
        **{f"scheme_{name}": value for name, value in scheme.items()},
        **({} if found is None else numbers_metrics(found)),
        **_solver_metrics(result),
        **_extremes(result),
        **_mass_metrics(result),
        **_plume_metrics(result, grid, line),
        **_observed_metrics(result),
    }


def numbers_metrics(found: Numbers) -> dict[str, float]:
    """Courant, Peclet and dispersion under their names; an infinite Peclet number is NaN."""
    return {
        "courant_max": found.courant_max,
        "courant_mean": found.courant_mean,
        "peclet_max": found.peclet_max if math.isfinite(found.peclet_max) else math.nan,
        "peclet_mean": found.peclet_mean if math.isfinite(found.peclet_mean) else math.nan,
        "physical_dispersion_m2_d": found.physical_m2_d,
        "numerical_dispersion_time_m2_d": found.in_time_m2_d,
        "numerical_dispersion_space_m2_d": found.in_space_m2_d,
        "transverse_numerical_ratio": found.transverse_ratio,
    }


def reference(result: TransportResult) -> float:
    """c0 [kg/m3]; NaN where nothing enters, is held, or was there with a concentration."""
    start = result.start[np.isfinite(result.start)]
    largest = max(float(result.about["source_concentration"]), float(start.max(initial=0.0)))
    return largest if largest > 0 else math.nan


def scale(result: TransportResult) -> float:
    """c0, or the largest concentration of the run where there is no c0; NaN where all is 0."""
    known = reference(result)
    if math.isfinite(known):
        return known
    largest = _largest(result.concentration)
    return largest if largest > 0 else math.nan


def _largest(values: Floats) -> float:
    there = values[np.isfinite(values)]
    return float(there.max()) if there.size else math.nan


def _solver_metrics(result: TransportResult) -> dict[str, float]:
    """Convergence and percent discrepancies of every time step, where the engine tells them."""
    found: dict[str, float] = {}
    if result.converged.size:
        failed = int(np.count_nonzero(~result.converged))
        found |= {"converged": int(not failed), "steps_not_converged": failed}
    if result.percent.size:
        worst = np.abs(result.percent + 0.0).max(axis=0)  # NaN where one could not be read
        found |= {
            "max_abs_step_percent_discrepancy": float(worst[0]),
            "max_abs_cumulative_percent_discrepancy": float(worst[1]),
        }
    return found


def _extremes(result: TransportResult) -> dict[str, float]:
    """Least and largest concentrations, and how far they leave what there is to mix."""
    values = result.concentration
    low, high = -_largest(-values), _largest(values)
    known, level = reference(result), scale(result)
    shares = []
    for step, volume in zip(values, result.pore_volume, strict=True):
        mass = np.nan_to_num(step) * (volume + result.sorbing)
        whole = float(np.abs(mass).sum())
        shares.append(-float(mass.sum(where=mass < 0)) / whole if whole > 0 else 0.0)
    largest, when = fronts.peak(result.time_d, np.array([_largest(step) for step in values]))
    return {
        "c_min": low,
        "c_max": high,
        "overshoot": max(high - known, 0.0) / known if math.isfinite(known) else math.nan,
        # without any concentration above 0 to hold it against, all of it is too low
        "undershoot": -low / (level if math.isfinite(level) else -low) if low < 0 else 0.0,
        "negative_mass_fraction": max(shares) + 0.0,
        "peak_c": largest,
        "peak_time_d": when,
    }


def _mass_metrics(result: TransportResult) -> dict[str, float]:
    """The balance of the whole run: what came, went, decayed, and is there.

    What is there follows from concentrations, the rest from the budget: two ways to one number.
    """
    stored, sorbed = _stored(result, -1)
    before = sum(_start(result))
    found = {"mass_stored_kg": stored, "mass_sorbed_kg": sorbed}
    rows = [row for row in result.budget if not row.boundary]
    if not rows:
        return found
    seconds = result.length_d * DAY
    masses: dict[str, Floats] = {}
    for row in rows:
        mass = masses.setdefault(row.component, np.zeros(2))
        mass += np.array([row.rate_in, row.rate_out]) * seconds[row.saved]
    crossing = [mass for name, mass in masses.items() if name not in INSIDE]
    entered = float(sum(mass[0] for mass in crossing))
    left = float(sum(mass[1] for mass in crossing))
    decay = masses.get("decay", np.zeros(2))
    decayed = float(decay[1] - decay[0])
    off = entered - left - decayed - _gained(result, masses)
    largest = max(entered, stored + sorbed, before)
    return found | {
        "mass_in_kg": entered,
        "mass_out_kg": left,
        "mass_decayed_kg": decayed,
        "closure_relative": abs(off) / largest if largest > 0 else 0.0,
        "budget_closure_relative": _budget_closure(result),
    }


def _gained(result: TransportResult, masses: Mapping[str, Floats]) -> float:
    """Mass that is there at the end and was not at the start [kg], held cells left out.

    With transient flow as the budget says: the water that storage yields (Sy, Ss) carries solute
    and is not that of the pores, so that concentrations and porosity tell another number.
    """
    if result.about.get("regime") == "transient":
        stores = [masses[name] for name in ("storage", "sorption") if name in masses]
        return float(sum(mass[1] - mass[0] for mass in stores))
    return gained(result)


def gained(result: TransportResult) -> float:
    """The same by concentrations and pore volumes."""
    volumes = result.pore_volume[-1], result.fields.get("start_volume", result.pore_volume[0])
    values = np.nan_to_num(result.concentration[-1]), np.nan_to_num(result.start)
    after, before = (v * (room + result.sorbing) for v, room in zip(values, volumes, strict=True))
    change = (after - before).ravel()
    return float(change.sum() - change[result.held].sum())


def _stored(result: TransportResult, step: int) -> tuple[float, float]:
    """Dissolved and sorbed mass of a saved step [kg]."""
    values = np.nan_to_num(result.concentration[step])
    return float((values * result.pore_volume[step]).sum()), float((values * result.sorbing).sum())


def _start(result: TransportResult) -> tuple[float, float]:
    """The same at time 0, in the water of the first saved step unless the engine tells its own."""
    volume = result.fields.get("start_volume", result.pore_volume[0])
    values = np.nan_to_num(result.start)
    return float((values * volume).sum()), float((values * result.sorbing).sum())


def _budget_closure(result: TransportResult) -> float:
    """abs(in - out)/max(in, out) of all components, worst saved step."""
    sums = np.zeros((2, len(result.length_d)))
    for row in result.budget:
        if not row.boundary:
            sums[:, row.saved] += row.rate_in, row.rate_out
    largest = sums.max(axis=0)
    # rates that are round-off beside the largest of the run balance by no share of their own
    scale = np.maximum(largest, 1e-9 * float(largest.max()))
    return float(np.max(np.abs(sums[0] - sums[1]) / np.where(scale > 0, scale, 1.0)))


def _plume_metrics(result: TransportResult, grid: Grid, line: Floats | None) -> dict[str, float]:
    values, level = result.concentration[-1], scale(result)
    towards = fronts.direction(result, grid)
    where = _measure(grid, values, towards, line)
    mass = np.nan_to_num(values) * (result.pore_volume[-1] + result.sorbing)
    moments = fronts.moments(grid, mass, towards)
    plume = (values > PLUME * level).any(axis=0)  # nothing is, where the level is NaN
    return {
        "front_position_m": where(FRONT * level),
        "front_width_m": where(AHEAD * level) - where(BEHIND * level),
        "centre_x_m": moments.x,
        "centre_y_m": moments.y,
        "spread_longitudinal_m": _root(moments.along),
        "spread_transverse_m": _root(moments.across),
        "plume_area_m2": float(grid.areas.sum(where=plume)),
    }


def _measure(
    grid: Grid, values: Floats, towards: Floats | None, line: Floats | None
) -> Callable[[float], float]:
    """How far a concentration has come, as a function of it."""
    if line is not None:
        return lambda level: fronts.front_on_line(grid, values, line, level)
    if towards is None:
        return lambda level: math.nan
    return lambda level: fronts.front(grid, values, towards, level)


def _root(variance: float) -> float:
    return math.sqrt(variance) if variance >= 0 else math.nan


def _observed_metrics(result: TransportResult) -> dict[str, float]:
    """Arrivals, peak and end of each breakthrough curve, from every time step."""
    found: dict[str, float] = {}
    level = scale(result)
    starts: Mapping[str, float] = result.about.get("observed_start", {})
    for name, values in result.observed.items():
        start = starts.get(name, 0.0)
        for word, share in ARRIVALS.items():
            when = fronts.arrival(result.steps_d, values, share * level, start)
            found[f"obs_{name}_{word}"] = when
        largest, when = fronts.peak(result.steps_d, values)
        found |= {
            f"obs_{name}_peak": largest,
            f"obs_{name}_peak_time_d": when,
            f"obs_{name}_final": float(values[-1]),
        }
    return found
