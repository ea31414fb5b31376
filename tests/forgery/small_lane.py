"""The smallest lane that earns its claim: a = 0.45, eta = nu = 0.008, held, 96 x 96 points.

Everything that a lane of 128 x 128 points has is here, only coarser and fewer: it takes a minute.
"""

from dataclasses import dataclass
from pathlib import Path

from .installed import Installed, Said

SHEET = (
    *("--equilibrium", "periodic_double_harris", "--width", 0.45, "--eta", 0.008, "--nu", 0.008),
    *("--perturbation-amplitude", 4e-3, "--mode-x", 2, "--mode-y", 1),
)
GRID = ("--nx", 96, "--ny", 96, "--target-saved-frames", 121, "--seconds-per-step-estimate", 5e-4)


@dataclass(frozen=True)
class Lane:
    """Where the parts of a lane lie."""

    root: Path

    @property
    def run(self) -> Path:
        return self.root / "rutherford"

    @property
    def convergence(self) -> Path:
        return self.root / "double_harris" / "convergence_main"

    @property
    def crosscheck(self) -> Path:
        return self.root / "double_harris" / "convergence_crosscheck"

    @property
    def seeds(self) -> Path:
        return self.root / "seed_qi"

    @property
    def evidence(self) -> tuple[object, ...]:
        """The flags of a promotion check that name the evidence."""
        return (
            *("--convergence-dir", self.convergence, "--convergence-dir", self.crosscheck),
            *("--seed-qi-dir", self.seeds),
        )


def done(said: Said, code: int = 0) -> Said:
    """The answer of a command that must end as expected, or its words."""
    assert said.code == code, said.text
    return said


def make(mhx: Installed, root: Path) -> Lane:
    """Everything up to the promotion report, so that nothing but the claim is missing."""
    lane = Lane(root)
    done(mhx("campaign", "rutherford-plan-production", "--outdir", lane.run, *SHEET, *GRID))
    done(mhx("campaign", "rutherford-execute", lane.run, "--movies", "--keep-states", 99))
    mhx("campaign", "rutherford-promotion-check", lane.run)
    return lane


def claim(mhx: Installed, lane: Lane) -> Said:
    """Ask for the claim."""
    words = ("--max-steps", 0, "--allow-production-claim")
    return mhx("campaign", "rutherford-execute", lane.run, *words)
