"""The smallest lane that earns its claim: a = 0.45, eta = nu = 0.008, held, 96 x 96 points.

Commands are those that the production lane lists; left out are the long run and the sweeps, which
a claim may go without.  Both convergence bundles share their time steps, which are taken on the
coarsest grid.  About a hundred seconds of one core.
"""

from dataclasses import dataclass
from pathlib import Path

from ..campaigns.forger import read
from .installed import Installed, Said

FLAGS = (
    *("--width", 0.45, "--widths", "0.43,0.45,0.47", "--perturbation-amplitude", 4e-3),
    *("--eta", 0.008, "--etas", "0.0085,0.008,0.0075", "--nx", 96, "--ny", 96, "--dt", 0.045),
    *("--convergence-resolutions", "80,96,112", "--crosscheck-resolutions", "80,88,104"),
    *("--target-saved-frames", 121, "--min-production-resolution", 96),
)
IDS = (
    *("rutherford_plan", "double_harris_convergence_main", "double_harris_convergence_crosscheck"),
    *("seed_qi", "rutherford_execute"),
)


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


def listed(root: Path, name: str) -> list[str]:
    """The words of one command of a lane, after `mhx`; to be said in its root."""
    document = read(root / "production_campaign_manifest.json")
    (command,) = [row["command"] for row in document["commands"] if row["id"] == name]
    return list(command[command.index("mhx") + 1 :])


def make(mhx: Installed, root: Path) -> Lane:
    """Everything up to the promotion report, so that nothing but the claim is missing."""
    lane = Lane(root)
    done(mhx("campaign", "production-lane", "--outdir", root, *FLAGS))
    for name in IDS:
        more = ("--keep-states", 99) if name == "rutherford_execute" else ()
        done(mhx(*listed(root, name), *more, cwd=root))
    done(mhx("campaign", "rutherford-promotion-check", lane.run, *lane.evidence))
    return lane


def claim(mhx: Installed, lane: Lane, draw: int | None = None) -> Said:
    """Ask for the claim."""
    words = ("--max-steps", 0, "--allow-production-claim")
    return mhx("campaign", "rutherford-execute", lane.run, *words, draw=draw)
