"""The simulated value beside each measured one: head of the cell that holds the point, or a flow.

Both are linear in time between saved steps; before the first of them a head starts at what the run
started from, a flow is what it is in that step.  A steady state holds at any time.  Heads m, flows
m3/s, positive into the model as in the budget, times days since the start.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from mhx.config import Source, listed
from mhx.groundwater.grid import Floats, Ids
from mhx.groundwater.measured.rows import Faults, Row, Scope, days_of, objections
from mhx.groundwater.results import FlowResult

Locate = Callable[[Floats], Ids]
"""(k, 2) points [m] -> (k,) the cell that holds each, -1 outside of the mesh."""


@dataclass(frozen=True, kw_only=True)
class Simulated:
    """What one model of a run computed, as measured values need it.

    time_d: (s,) moments at which it is known.  heads: (s, n_layers, n), NaN where there is none.
    flows: boundary -> (s,) rates, in less out.  cell_at: finds cells by points.
    """

    scope: Scope
    time_d: Floats
    heads: Floats
    flows: Mapping[str, Floats]
    cell_at: Locate


@dataclass(frozen=True, kw_only=True)
class Pair:
    """A measured value with its simulated one, NaN where the cell is dry.

    time_d: None of a steady state; cell: None of a flow.  history: (s,) times and values at the
    same place, of all saved steps.
    """

    row: Row
    time_d: float | None
    cell: int | None
    simulated: float
    history: tuple[Floats, Floats] | None = None

    @property
    def residual(self) -> float:
        """Simulated less observed: positive is too high."""
        return self.simulated - self.row.value

    @property
    def missing(self) -> bool:
        """Whether the row would count, and has nothing to be compared with."""
        return math.isnan(self.simulated) and self.row.weight > 0

    @property
    def counted(self) -> bool:
        """Whether it enters the statistics."""
        return not math.isnan(self.simulated) and self.row.weight > 0


def simulated_of(
    result: FlowResult,
    scope: Scope,
    cell_at: Locate,
    initial: Floats | None = None,
    flows: Mapping[str, Floats] | None = None,
) -> Simulated:
    """What a flow run computed.

    scope: what is known besides; boundaries, length, layers and cells are those of the result.
    initial: (n_layers, n) heads at time 0 of a transient run; None: those of the first saved step,
    as they are where it is steady.  flows: (s,) rates by name, else those of the boundaries.
    """
    rates = net_rates(result) if flows is None else flows
    before = result.heads[:1] if initial is None else initial[None]
    return Simulated(
        scope=replace(
            scope,
            boundaries=tuple(rates),
            layers=result.heads.shape[1],
            n_cells=result.heads.shape[2],
            end_d=float(result.time_d[-1]),
            box=None,
        ),
        time_d=np.concatenate([[0.0], result.time_d]),
        heads=np.concatenate([before, result.heads]),
        flows={name: np.concatenate([rate[:1], rate]) for name, rate in rates.items()},
        cell_at=cell_at,
    )


def net_rates(result: FlowResult) -> dict[str, Floats]:
    """(s,) in less out of every boundary [m3/s]; one without a row of the budget gave nothing."""
    rates = {name: np.zeros(result.saved) for name in result.about["boundaries"]}
    for row in result.budget:
        if row.boundary in rates:
            rates[row.boundary][row.saved] += row.rate_in - row.rate_out
    return rates


def paired(rows: Sequence[Row], models: Mapping[str, Simulated]) -> list[Pair]:
    """Every row with its simulated value, in order.

    models: by name; a row names one where there are several.  ConfigError: every row that names a
    place or a moment which the run has not.
    """
    faults = Faults()
    found = list(_paired(rows, models, faults))
    if faults:
        raise listed(Source("measured data"), faults.told())
    return found


def _paired(rows: Sequence[Row], models: Mapping[str, Simulated], faults: Faults) -> Iterator[Pair]:
    cells = _cells(rows, models)
    for number, row in enumerate(rows):
        name = _model(row, models)
        if name is None:
            known = ", ".join(models)
            told = f"must be the name of a model ({known}), got {row.model!r}"
            faults.say(row, "model", told if row.model else f"is required: there are {known}")
            continue
        model = models[name]
        told_here = list(objections(row, model.scope))
        cell = row.cell if row.cell is not None else cells.get(number)
        if row.quantity == "head" and cell is not None and cell < 0:
            told_here.append(("x", f"and y must lie in the mesh, got {row.x!r}, {row.y!r}"))
        for key, text in told_here:
            faults.say(row, key, text)
        if told_here:
            continue
        yield _pair(row, model, cell)


def _pair(row: Row, model: Simulated, cell: int | None) -> Pair:
    series = (
        model.flows[str(row.boundary)]
        if row.quantity == "flow"
        else model.heads[:, row.layer - 1, cell]
    )
    time = days_of(row, model.scope)
    last = time is None or (model.scope.steady and model.time_d.size == 2)
    value = float(series[-1]) if last else float(np.interp(float(time or 0), model.time_d, series))
    return Pair(row=row, time_d=time, cell=cell, simulated=value, history=(model.time_d, series))


def _cells(rows: Sequence[Row], models: Mapping[str, Simulated]) -> dict[int, int]:
    """The cell of every row that was measured at a point, by the number of the row."""
    found: dict[int, int] = {}
    for name, model in models.items():
        at = [n for n, row in enumerate(rows) if row.x is not None and _model(row, models) == name]
        if at:
            points = np.array([[rows[n].x, rows[n].y] for n in at], dtype=float)
            found |= dict(zip(at, model.cell_at(points).tolist(), strict=True))
    return found


def _model(row: Row, models: Mapping[str, Simulated]) -> str | None:
    """The model that a row means; None where it names none of them."""
    if row.model is None:
        return next(iter(models)) if len(models) == 1 else None
    return next((name for name in models if name.lower() == row.model.lower()), None)
