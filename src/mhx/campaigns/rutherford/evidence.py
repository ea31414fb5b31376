"""Bundles held against the run that they are to support: the same physics, as long, as fine.

Convergence must be about the run's own family; seeds too, but for noise that is at least the run's;
a sweep varies one parameter around the run's own value.  What does not hold is told in words, one
reason each; `bundles` counts them.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from mhx.campaigns import thresholds
from mhx.campaigns.bundles import Given, find_bundles
from mhx.campaigns.folder import RunFolder
from mhx.campaigns.rutherford.studies.cases import CaseRun
from mhx.campaigns.rutherford.studies.judged import Judged
from mhx.campaigns.rutherford.studies.ladders import (
    history_difference,
    resolution_ladder,
    timestep_ladder,
)
from mhx.campaigns.rutherford.studies.rejudging import Rejudged, rejudged
from mhx.campaigns.rutherford.studies.study import CONVERGENCE, SEEDS, SWEEP
from mhx.campaigns.supporting import Bundle, Bundles, Content
from mhx.campaigns.thresholds import BOUNDS
from mhx.evidence import schemas
from mhx.reconnection.config import Reconnection, family, family_digest

KINDS = {
    schemas.CONVERGENCE: CONVERGENCE,
    schemas.SEED_ROBUST_QI: SEEDS,
    "width": SWEEP,
    "eta": SWEEP,
}
VARIED = {"width": ("width",), "eta": ("resistivity", "viscosity")}
"""Axis of a sweep -> keys of a family that may differ between its cases; the first one must."""
ROUND_OFF = 1e-9  # relative, of a time
MIN_SAMPLES = BOUNDS["min_history_samples"]
"""Of a run, and so of whatever its history is compared with."""


def judged_evidence(folder: RunFolder, about: "About", given: Given) -> Bundles:
    """Every bundle of a run, judged again and held against the run's configuration."""
    found = find_bundles(folder, family_digest(about.config), given, about.rejudge)
    counted = [one for one in found.convergence if one.content is not None]
    if not counted:
        return found
    seeds = found.seeds
    unmatched = [
        *about.apart(counted),
        *(about.seeds_apart(counted, seeds) if seeds is not None and seeds.content else ()),
    ]
    return replace(found, unmatched=unmatched, axes=list(_axes(counted)))


class About:
    """The run that evidence must be about.

    t_end: when it ends [L/v_A].  bounds: by their names; production bounds where one is left out.
    judged: every bundle that was judged since, by the name of its folder.
    """

    def __init__(self, config: Reconnection, t_end: float, bounds: Mapping[str, float]) -> None:
        self.config, self.t_end = config, t_end
        self.bounds = {**thresholds.resolved({}), **bounds}
        self.family = family(config)
        self.judged: dict[str, Judged] = {}

    def rejudge(self, path: Path, what: str) -> Content:
        """A folder as evidence of a kind: its cases read and judged again (`bundles.Rejudge`)."""
        found = rejudged(path, KINDS[what], self.bounds)
        self.judged[path.name if path.name not in self.judged else str(path)] = found.judged
        repeated = found.repeated.document() if found.repeated else {}
        return Content(
            results=found.judged.results,
            cases=found.contents,
            altered=found.problems,
            contradicted=found.contradicted,
            foreign=list(self._foreign(found, what)),
            unmatched=list(self._unmatched(found, what)),
            left_out=found.left_out,
            relaxed=found.relaxed,
            repeated=repeated,
            covers=self._covers(found, what),
            codes=found.codes,
        )

    def _covers(self, found: Rejudged, what: str) -> dict[str, Any]:
        runs = found.cases.usable
        grids, steps = resolution_ladder(runs), timestep_ladder(runs)
        covers: dict[str, Any] = {
            **found.covers,
            "grids": sorted({run.config.grid.shape for run in runs}),
            "steps": sorted({run.config.dt for run in runs}),
            "resolutions": [run.config.grid.shape for run in grids or runs[:1]],
            "time_steps": [run.config.dt for run in steps or runs[:1]],
            "seeds": sorted({run.config.initial.seed for run in runs}),
            "noise_to_seed_ratio": sorted(
                {run.config.initial.noise_amplitude / eps for run in runs if (eps := _seed(run))}
            ),
            "apart": [
                [*run.config.grid.shape, history_difference(run, grids[-1])] for run in grids
            ],
        }
        if what in VARIED:
            values = {one.get(VARIED[what][0]) for one in found.families.values()}
            covers["values"] = sorted(value for value in values if value is not None)
        return covers

    def _foreign(self, found: Rejudged, what: str) -> Iterator[str]:
        """Cases of another physics than the run's, by what differs."""
        free = VARIED.get(what, ())
        for name, theirs in found.families.items():
            for key in sorted(theirs.keys() | self.family.keys()):
                mine, value = self.family.get(key), theirs.get(key)
                if (
                    value == mine
                    or key in free
                    or (what == schemas.SEED_ROBUST_QI and _noisier(key, value, mine))
                ):
                    continue
                yield f"case {name} has {key} = {value!r}, the run {mine!r}"
        if free and found.families:
            values = {one.get(free[0]) for one in found.families.values()}
            if len(values) < 2:
                yield f"{free[0]} is not varied: the sweep is about something else"
            if self.family not in found.families.values():
                yield f"no case has the run's own {' and '.join(free)}"

    def _unmatched(self, found: Rejudged, what: str) -> Iterator[str]:
        """Cases that follow something else, or end before the run does; sweeps may be shorter."""
        for run in found.cases.runs:
            yield from self._measured_otherwise(run)
            if what in VARIED:
                continue
            least, samples = MIN_SAMPLES.value, len(run.history["step"])
            if run.config.t_end < self.t_end * (1 - ROUND_OFF):
                yield (
                    f"case {run.id} ends at t = {run.config.t_end:.6g}, "
                    f"the run at t = {self.t_end:.6g}"
                )
            elif samples < least:
                yield f"case {run.id} has {samples} samples, at least {least:g} are compared"

    def _measured_otherwise(self, run: CaseRun) -> Iterator[str]:
        """What a family does not tell: the mode whose flux is followed, and the precision."""
        if run.config.mode != self.config.mode:
            yield f"case {run.id} follows mode {run.config.mode}, the run {self.config.mode}"
        theirs, mine = run.config.numerics.dtype, self.config.numerics.dtype
        if theirs != mine:
            yield f"case {run.id} is of {theirs}, the run of {mine}"

    def apart(self, bundles: Sequence[Bundle]) -> Iterator[str]:
        """Where the run's own grid and step lie outside what was tested."""
        if not _gathered(bundles, "grids"):
            yield "no convergence case can be read"
            return
        yield from self._outside(bundles, "the run", self.config.grid.shape, self.config.dt)

    def seeds_apart(self, bundles: Sequence[Bundle], seeds: Bundle) -> Iterator[str]:
        """Where the seeds' grids and steps do; they may be coarser than the run's."""
        if not _gathered(bundles, "grids"):
            return
        largest = max(_gathered([seeds], "steps"), default=0.0)
        for shape in sorted(_gathered([seeds], "grids")):
            for told in self._outside(bundles, "a seed", shape, largest):
                yield f"{seeds.path}: {told}"

    def _outside(
        self, bundles: Sequence[Bundle], who: str, mine: tuple[int, int], dt: float
    ) -> Iterator[str]:
        """Where one grid and step lie outside what was tested."""
        coarsest = min(_gathered(bundles, "grids"), key=lambda shape: shape[0] * shape[1])
        if mine[0] < coarsest[0] or mine[1] < coarsest[1]:
            yield f"{who} has {_grid(mine)} points, the coarsest tested grid {_grid(coarsest)}"
        largest = max(_gathered(bundles, "steps"))
        if dt > largest * (1 + ROUND_OFF):
            yield f"{who} has dt = {dt:g}, the largest tested one is {largest:g}"
        yield from self._unconverged(bundles, who, mine)

    def _unconverged(
        self, bundles: Sequence[Bundle], who: str, mine: tuple[int, int]
    ) -> Iterator[str]:
        """The tested grid nearest below must already agree with the finest."""
        tested = [
            ((int(nx), int(ny)), difference, bundle.path)
            for bundle in bundles
            if bundle.content is not None
            for nx, ny, difference in bundle.content.covers.get("apart", ())
            if nx <= mine[0] and ny <= mine[1]
        ]
        if not tested:
            yield f"no grid of a ladder is as coarse as {who}'s {_grid(mine)}"
            return
        most = self.bounds["max_resolution_difference"]
        nearest = max((shape for shape, _, _ in tested), key=lambda shape: shape[0] * shape[1])
        for shape, difference, path in tested:
            if shape == nearest and (difference is None or not difference <= most):
                apart = "an unknown amount" if difference is None else f"{difference:.3g}"
                yield (
                    f"{path}: {_grid(shape)}, the tested grid nearest below {who}'s, differs by "
                    f"{apart} from the finest; at most {most:g} is converged"
                )


def _seed(run: CaseRun) -> float:
    """Amplitude of the coherent seed, 0 without one [L v_A]."""
    return float(run.config.parameters.get("perturbation_amplitude") or 0.0)


def _noisier(key: str, value: Any, mine: Any) -> bool:
    """Seeds may have more noise than the run, not less."""
    numbers = isinstance(value, int | float) and isinstance(mine, int | float)
    return key == "noise_amplitude" and numbers and value >= mine


def _axes(bundles: Sequence[Bundle]) -> Iterator[str]:
    """What `convergence_axes_covered` asks for and does not find."""
    for name, word in (("resolutions", "resolution"), ("time_steps", "time step")):
        found = len(_gathered(bundles, name))
        if found < 2:
            yield f"all bundles together cover {_counted(found, word)}, 2 are needed"
    for bundle in bundles:
        grids = len(_gathered([bundle], "resolutions"))
        steps = len(_gathered([bundle], "time_steps"))
        if not (grids >= 3 or (grids >= 2 and steps >= 2)):
            yield (
                f"{bundle.path} covers {_counted(grids, 'resolution')} and "
                f"{_counted(steps, 'time step')}; 3 resolutions, or 2 and 2, are needed"
            )


def _gathered(bundles: Sequence[Bundle], name: str) -> set[Any]:
    found = (one.content.covers.get(name) or () for one in bundles if one.content is not None)
    return {tuple(v) if isinstance(v, list) else v for values in found for v in values}


def _counted(number: int, word: str) -> str:
    return f"{number} {word}" if number == 1 else f"{number} {word}s"


def _grid(shape: Sequence[int]) -> str:
    return f"{shape[0]} x {shape[1]}"
