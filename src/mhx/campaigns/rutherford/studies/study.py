"""A study before it runs: which cases over which base, judged at which bounds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mhx.campaigns import thresholds
from mhx.evidence import schemas
from mhx.evidence.claims import Waiver

LONG_RUN, CONVERGENCE, SWEEP, SEEDS = "long_run", "convergence", "sweep", "seeds"
SCHEMAS = {
    LONG_RUN: schemas.LONG_RUN,
    CONVERGENCE: schemas.CONVERGENCE,
    SWEEP: schemas.PARAMETER_SWEEP,
    SEEDS: schemas.SEED_ROBUST_QI,
}
"""Kind of a study -> schema of its bundle."""


@dataclass(frozen=True, kw_only=True)
class StudyCase:
    """One run of a study; runs of equal configuration are one case.

    overlay: what it changes in the base, nested as in a run file.
    coordinates: where it stands, by axis (`resolution`, `timestep`, `seed`, `width`, ...).
    """

    id: str
    label: str
    overlay: Mapping[str, Any]
    coordinates: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Study:
    """What `mhx benchmark ...` writes down before anything runs.

    base: an ordinary run file, filled in as far as all cases share it.
    axis: width, resistivity or mode for a sweep; empty otherwise.
    bounds: every bound in use by name, those of `thresholds.BOUNDS` and the floors of this command.
    unavailable: why nothing can run (the cosine sheet has no width); empty: the cases run.
    share: folders of finished studies whose equal cases need not be computed again.
    store_fields: whether the bundle keeps the last fields of the run and of its base.
    """

    kind: str
    outdir: Path
    base: Mapping[str, Any]
    cases: Sequence[StudyCase]
    family: Mapping[str, Any]
    bounds: Mapping[str, float]
    axis: str = ""
    unavailable: str = ""
    share: Sequence[Path] = ()
    movies: bool = False
    store_fields: bool = False

    @property
    def waivers(self) -> list[Waiver]:
        """Bounds looser than the command's own; promotion refuses a bundle that has any."""
        return thresholds.relaxed(self.bounds, self.kind)
