"""Results of an engine that computes in this process, in the words of those that leave files.

Rates are positive into the groundwater, in the model's time unit; so are lengths and times.  The
percent discrepancies are worked out as a listing's are: 100 (in - out) over the mean of both.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from mhx.groundwater.budget import Exchange
from mhx.groundwater.grid import Floats, Ids
from mhx.groundwater.heads import Heads
from mhx.groundwater.listing import Listing, Step
from mhx.groundwater.model import FlowModel
from mhx.groundwater.results import FlowResult, result_of


@dataclass(frozen=True, kw_only=True)
class Flux:
    """Water that a boundary, or storage, gives in one step.

    component: type of the package, or sto-ss.  package: its name in the model, "" for storage.
    nodes, rates: (k,).
    """

    component: str
    package: str
    nodes: Ids
    rates: Floats


@dataclass(frozen=True, kw_only=True)
class Solved:
    """One time step: heads (n_layers, n) m, and how many times they were solved for."""

    heads: Floats
    fluxes: tuple[Flux, ...]
    iterations: int


@dataclass
class Computed:
    """The steps of a model as they are solved, in order."""

    model: FlowModel
    steps: list[Solved] = field(default_factory=list)

    @property
    def lengths(self) -> list[tuple[int, int, float]]:
        """Period, step and length of every step, from the configuration."""
        ends = [(period, step, end / self.model.days) for period, step, end in self._ends]
        before = [0.0, *(end for _, _, end in ends)]
        return [(p, s, end - start) for (p, s, end), start in zip(ends, before, strict=False)]

    @property
    def _ends(self) -> tuple[tuple[int, int, float], ...]:
        return self.model.step_ends_d

    @property
    def saved(self) -> list[int]:
        """Which steps are kept: all, or the last of each stress period."""
        return [
            at
            for at, (period, step, _) in enumerate(self._ends)
            if self.model.save == "all" or step == self.model.periods[period - 1].steps
        ]

    def result(self, folder: Path, fields: Sequence[str], *, wall_s: float) -> FlowResult:
        """What is kept of all steps.  fields: stored besides the heads."""
        expected = self.saved
        ends = [self._ends[at] for at in expected]
        heads = Heads(
            period=np.array([period for period, _, _ in ends]),
            step=np.array([step for _, step, _ in ends]),
            time=np.array([end for _, _, end in ends]) / self.model.days,
            values=np.stack([self.steps[at].heads for at in expected]),
        )
        lengths = self.lengths
        exchanges = [
            Exchange(
                period=lengths[at][0],
                step=lengths[at][1],
                length=lengths[at][2],
                time=self._ends[at][2] / self.model.days,
                component=flux.component,
                package=flux.package,
                nodes=flux.nodes,
                rates=flux.rates,
            )
            for at in expected
            for flux in self.steps[at].fluxes
        ]
        listing = Listing(version="", steps=self._told(), normal=True, wall_s=wall_s)
        return result_of(self.model, listing, heads, exchanges, folder, fields)

    def _told(self) -> tuple[Step, ...]:
        """The steps as a listing would tell of them."""
        found, volumes = [], np.zeros(2)
        for (period, step, length), solved in zip(self.lengths, self.steps, strict=True):
            rates = np.zeros(2)
            for flux in solved.fluxes:
                rates += flux.rates.sum(where=flux.rates > 0), -flux.rates.sum(where=flux.rates < 0)
            volumes += rates * length
            found.append(
                Step(
                    period=period,
                    step=step,
                    outer=solved.iterations,
                    inner=0,
                    converged=True,
                    percent_step=percent(*rates.tolist()),
                    percent_cumulative=percent(*volumes.tolist()),
                    line=0,
                )
            )
        return tuple(found)


def percent(into: float, out: float) -> float:
    """Discrepancy of in and out [%]; 0 where nothing flows."""
    return 200 * (into - out) / (into + out) if into + out > 0 else 0.0
