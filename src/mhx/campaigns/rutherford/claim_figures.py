"""The figures that a promotion leaves beside its report: what a paper about the run would show.

Drawn from the history of the run and from the bundles as they were judged again, never from a
verdict that someone else wrote.  They are pictures, not evidence: no gate reads them.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from mhx.campaigns.rutherford import run_figures
from mhx.campaigns.rutherford.run_figures import Run
from mhx.campaigns.rutherford.studies import figures
from mhx.campaigns.rutherford.studies.convergence_figure import convergence
from mhx.campaigns.rutherford.studies.judged import Judged
from mhx.campaigns.rutherford.studies.study import CONVERGENCE, SEEDS, SWEEP
from mhx.report import paper
from mhx.report.paper import SIDE_BY_SIDE, STACKED, Layout
from mhx.report.plots import Panel

OF_THE_RUN = {
    "linear_phase.png": run_figures.linear_phase,
    "rutherford_phase.png": run_figures.rutherford_phase,
    "saturation.png": run_figures.saturation,
    "energy_budget.png": run_figures.energy_budget,
}
SWEEPS = ("width_sweep.png", "resistivity_sweep.png")
NAMES = (*OF_THE_RUN, "convergence.png", "seeds.png", *SWEEPS)
"""Every figure that may be drawn; each is there where there is something to show in it."""

Drawn = tuple[str, Sequence[Panel], Layout]


def draw(folder: Path, run: Run, evidence: Mapping[str, Judged]) -> list[str]:
    """Draw all figures of a claim into `folder`, and return their names.

    evidence: bundles judged again, by the name under which a legend may show them.  A figure of an
    earlier check does not stay where there is nothing to show now.
    """
    written = []
    for name, panels, layout in (*_of_the_run(run), *_of_the_evidence(evidence)):
        if panels:
            paper.figure(folder / name, panels, layout)
            written.append(name)
    for name in set(NAMES) - set(written):
        (folder / name).unlink(missing_ok=True)
    return written


def _of_the_run(run: Run) -> Iterator[Drawn]:
    for name, panels_of in OF_THE_RUN.items():
        yield name, panels_of(run), STACKED


def _of_the_evidence(evidence: Mapping[str, Judged]) -> Iterator[Drawn]:
    kinds = {
        kind: {name: one for name, one in evidence.items() if one.kind == kind}
        for kind in (CONVERGENCE, SEEDS, SWEEP)
    }
    spoken = {
        name.removeprefix("convergence_").replace("_", " "): one
        for name, one in kinds[CONVERGENCE].items()
    }
    yield "convergence.png", convergence(spoken), SIDE_BY_SIDE
    for one in list(kinds[SEEDS].values())[:1]:
        yield "seeds.png", figures.seeds(one), SIDE_BY_SIDE
    by_axis = {one.facts.get("sweep_axis"): one for one in kinds[SWEEP].values()}
    for name in SWEEPS:
        found = by_axis.get(name.removesuffix("_sweep.png"))
        if found is not None:
            yield name, figures.sweep(found), SIDE_BY_SIDE
