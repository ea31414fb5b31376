"""The figures that a promotion leaves beside its report: what a paper about the run would show.

Drawn from the history of the run and from the bundles as they were judged again, never from a
verdict that someone else wrote.  They are pictures, not evidence: no gate reads them.
"""

from pathlib import Path

from mhx.campaigns.rutherford import run_figures
from mhx.campaigns.rutherford.run_figures import Run
from mhx.report import paper

DRAWN = {
    "linear_phase.png": run_figures.linear_phase,
    "rutherford_phase.png": run_figures.rutherford_phase,
    "saturation.png": run_figures.saturation,
    "energy_budget.png": run_figures.energy_budget,
}


def of_the_run(folder: Path, run: Run) -> list[str]:
    """Draw the phases and the budget of a run into `folder`; names of the files written."""
    written = []
    for name, panels_of in DRAWN.items():
        panels = panels_of(run)
        if panels:
            paper.figure(folder / name, panels)
            written.append(name)
    return written
