"""Several flow models of one simulation taken together: one result of all their nodes.

Nodes follow each other model by model, layer by layer, as one layer whose columns are those of the
models.  Only steps that every model saved count.  What one model gives another is in both budgets;
shares of the balance that do not close are those of the worst model, not of the sum.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from mhx.groundwater.existing.results import ModelRun, plain_name
from mhx.groundwater.grid import Flags, Floats, Ids
from mhx.groundwater.listing import Step
from mhx.groundwater.results import BudgetRow, FlowResult


def together(runs: Sequence[ModelRun]) -> FlowResult:
    """All flow models as one; of a single one its own result."""
    if len(runs) == 1:
        return runs[0].result
    parts = [_at_steps(run.result, _common(runs)) for run in runs]
    first = parts[0]
    starts = np.cumsum([0, *(part.bottoms.size for part in parts)])[:-1].tolist()
    return FlowResult(
        areas=np.concatenate([np.tile(part.areas, len(part.bottoms)) for part in parts]),
        top=np.concatenate([_tops(part).ravel() for part in parts]),
        bottoms=np.concatenate([part.bottoms.ravel() for part in parts])[None],
        period=first.period,
        step=first.step,
        time_d=first.time_d,
        length_d=first.length_d,
        heads=np.concatenate([part.heads.reshape(part.saved, -1) for part in parts], axis=1)[
            :, None
        ],
        budget=tuple(_rows(runs, parts)),
        steps=tuple(_steps(runs)),
        ended_d=first.ended_d,
        fixed=np.concatenate(
            [part.fixed + start for part, start in zip(parts, starts, strict=True)]
        ),
        active=np.concatenate([_flags(part.active, part, True) for part in parts])[None],
        confined=np.concatenate([_flags(part.confined, part, False) for part in parts])[None],
        under=_under(parts, starts),
        about={**first.about, **_about(runs, parts)},
    )


def _common(runs: Sequence[ModelRun]) -> list[tuple[int, int]]:
    """The steps that every model saved, in order."""
    keys = [
        list(zip(run.result.period.tolist(), run.result.step.tolist(), strict=True)) for run in runs
    ]
    shared = set(keys[0]).intersection(*keys[1:])
    return [key for key in keys[0] if key in shared]


def _at_steps(result: FlowResult, keys: Sequence[tuple[int, int]]) -> FlowResult:
    """A result of these saved steps alone."""
    own = list(zip(result.period.tolist(), result.step.tolist(), strict=True))
    kept = [at for at, key in enumerate(own) if key in set(keys)]
    if len(kept) == len(own):
        return result
    renumbered = {at: number for number, at in enumerate(kept)}
    return replace(
        result,
        period=result.period[kept],
        step=result.step[kept],
        time_d=result.time_d[kept],
        length_d=result.length_d[kept],
        heads=result.heads[kept],
        budget=tuple(
            replace(row, saved=renumbered[row.saved])
            for row in result.budget
            if row.saved in renumbered
        ),
    )


def _tops(result: FlowResult) -> Floats:
    """(n_layers, n) tops of the cells."""
    return np.vstack([result.top, result.bottoms[:-1]])


def _flags(flags: Flags | None, result: FlowResult, default: bool) -> Flags:
    return np.full(result.bottoms.size, default) if flags is None else flags.ravel()


def _under(parts: Sequence[FlowResult], starts: Sequence[int]) -> Ids:
    """(levels, m) the columns of all models beside each other."""
    stacks = [
        np.arange(part.bottoms.size).reshape(part.bottoms.shape)
        if part.under is None
        else part.under
        for part in parts
    ]
    levels = max(map(len, stacks))
    padded = [
        np.vstack(
            [
                np.where(stack < 0, -1, stack + start),
                np.full((levels - len(stack), stack.shape[1]), -1),
            ]
        )
        for stack, start in zip(stacks, starts, strict=True)
    ]
    return np.hstack(padded)


def _rows(runs: Sequence[ModelRun], parts: Sequence[FlowResult]) -> Iterator[BudgetRow]:
    """Boundaries under the names of model and package, components added up."""
    sums: dict[tuple[int, str], tuple[float, float]] = {}
    for run, part in zip(runs, parts, strict=True):
        for row in part.budget:
            if row.boundary:
                yield replace(row, boundary=f"{plain_name(run.name)}_{row.boundary}")
                continue
            before = sums.get((row.saved, row.component), (0.0, 0.0))
            key = row.saved, row.component
            sums[key] = before[0] + row.rate_in, before[1] + row.rate_out
    for (saved, component), (rate_in, rate_out) in sums.items():
        yield BudgetRow(
            saved=saved, component=component, boundary="", rate_in=rate_in, rate_out=rate_out
        )


def _steps(runs: Sequence[ModelRun]) -> Iterator[Step]:
    """Each time step of all models: discrepancies furthest from 0, iterations of all solutions."""
    solvers = {run.solution: at for at, run in enumerate(runs)}.values()
    for steps in zip(*(run.result.steps for run in runs), strict=True):
        yield replace(
            steps[0],
            outer=sum(steps[at].outer for at in solvers),
            inner=sum(steps[at].inner for at in solvers),
            converged=all(one.converged for one in steps),
            percent_step=_furthest([one.percent_step for one in steps]),
            percent_cumulative=_furthest([one.percent_cumulative for one in steps]),
        )


def _furthest(values: Sequence[float]) -> float:
    """NaN where one of them is."""
    return math.nan if any(map(math.isnan, values)) else max(values, key=abs)


def _about(runs: Sequence[ModelRun], parts: Sequence[FlowResult]) -> dict[str, Any]:
    formulations = [part.about["formulation"] for part in parts]
    start = 0
    boundaries = {}
    for run, part in zip(runs, parts, strict=True):
        cells = part.areas.size
        for name, one in part.about["boundaries"].items():
            nodes = [
                start + layer * cells + cell
                for layer, cell in zip(one["layers"], one["cells"], strict=True)
            ]
            key = f"{plain_name(run.name)}_{name}"
            boundaries[key] = {**one, "cells": nodes, "layers": [0] * len(nodes)}
        start += part.bottoms.size
    regimes = {part.about["regime"] for part in parts}
    return {
        "regime": "steady" if regimes == {"steady"} else "transient",
        "formulation": {key: max(one[key] for one in formulations) for key in formulations[0]},
        "boundaries": boundaries,
        "unprinted": sorted(set().union(*(part.about["unprinted"] for part in parts))),
    }
