"""The production lane of an installed wheel, from nothing to its end: a claim, or what is missing.

A work tree with changes has no code identity and could claim nothing: the wheel is built from it as
it is.  Lanes that must not be claimed are smaller where their reason allows it.
"""

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from ..forgery.installed import Installed, install, plain

pytestmark = pytest.mark.accept

CANDIDATE = (
    *("--nx", 128, "--ny", 128, "--target-saved-frames", 121),
    *("--convergence-resolutions", "96,128,192", "--crosscheck-resolutions", "112,144,192"),
)
SMALL = (
    *("--width", 0.45, "--widths", "0.43,0.45,0.47", "--eta", 0.008, "--etas", "0.009,0.008,0.007"),
    *("--target-saved-frames", 121, "--min-production-resolution", 96),
)


@pytest.fixture(scope="module")
def mhx(tmp_path_factory):
    installed = Installed(
        install(tmp_path_factory.mktemp("wheel") / "made"), tmp_path_factory.mktemp("scratch")
    )
    yield installed
    installed.close()


@dataclass
class Ended:
    """A lane that was carried out."""

    root: Path
    code: int
    said: str

    @property
    def stages(self) -> dict[str, dict[str, Any]]:
        document = json.loads((self.root / "production_campaign_manifest.json").read_text())
        return {row["id"]: row for row in document["execution"]["results"]}

    @property
    def level(self) -> str:
        return str(json.loads((self.root / "rutherford/manifest.json").read_text())["claim_level"])

    def failed(self, stage: str) -> set[str]:
        """Gates of a stage that did not pass, as the lane names them."""
        return set(self.stages[stage]["gates_failed"])


def carried_out(mhx: Installed, root: Path, *flags: object) -> Ended:
    said = mhx.alone(
        *("campaign", "production-lane", "--outdir", root, "--python-executable", sys.executable),
        *("--execute", *flags),
    )
    return Ended(root, said.code, said.text)


def not_claimed(lane: Ended) -> set[str]:
    """It went to its end as a validation; the promotion gates that it names."""
    assert lane.code == 1, lane.said
    assert lane.level == "validation"
    assert lane.stages["rutherford_finalize_production_claim"]["status"] == "skipped"
    failed = lane.failed("rutherford_promotion_check")
    assert all(name in lane.said for name in failed)
    return failed


def test_the_candidate_goes_from_nothing_to_its_claim(mhx, tmp_path):
    """One command; then seconds for whoever wants to check it, with a plain Python if he likes."""
    lane = carried_out(mhx, tmp_path / "lane", *CANDIDATE)
    assert lane.code == 0, lane.said
    assert {row["status"] for row in lane.stages.values()} == {"passed"}
    run = lane.root / "rutherford"
    assert lane.level == "production"
    manifest = json.loads((run / "manifest.json").read_text())
    for words in ("periodic_double_harris (held)", "8 seeds", "3 time steps", "width sweep"):
        assert words in manifest["claim_scope"]
    for folder in (lane.root, run):
        assert mhx("verify", folder).code == 0
        assert plain(folder / "verify.py").code == 0
    again = carried_out(mhx, lane.root, *CANDIDATE)
    assert again.code == 0 and lane.level == "production"

    case = next((lane.root / "seed_qi" / "cases").iterdir()) / "history.npz"
    content = bytearray(case.read_bytes())
    content[-9] ^= 1
    case.unlink()
    case.write_bytes(content)
    for folder in (lane.root, run):
        said = mhx("verify", folder)
        assert said.code == 4 and "history.npz" in said
        assert plain(folder / "verify.py").code == 4


def test_a_sheet_that_cannot_tear_ends_as_a_validation(mhx, tmp_path):
    lane = carried_out(
        mhx, tmp_path / "lane", "--equilibrium", "cosine_tearing", "--nx", 32, "--ny", 32,
        "--convergence-resolutions", "24,32,40", "--crosscheck-resolutions", "28,32,36",
        "--harris-growth-rate", 0.0131, "--target-saved-frames", 121,
    )  # fmt: skip
    failed = not_claimed(lane)
    assert {"equilibrium_tearing_unstable", "equilibrium_survives_duration"} <= failed
    assert {"linear_phase_observed", "reconnected_flux_amplifies"} <= failed


def test_a_sheet_that_decays_ends_as_a_validation(mhx, tmp_path):
    lane = carried_out(
        mhx, tmp_path / "lane", *SMALL, "--decaying-equilibrium", "--nx", 64, "--ny", 64,
        "--convergence-resolutions", "48,64,80", "--crosscheck-resolutions", "48,56,72",
    )  # fmt: skip
    failed = not_claimed(lane)
    assert {"equilibrium_survives_duration", "nonlinear_response_present"} <= failed


def test_a_seed_less_ends_as_a_validation(mhx, tmp_path):
    """Everything else is as it should be: the small lane of the forgeries."""
    lane = carried_out(
        mhx, tmp_path / "lane", *SMALL, "--nx", 96, "--ny", 96, "--dt", 0.045,
        "--convergence-resolutions", "80,96,112", "--crosscheck-resolutions", "80,88,104",
        "--seeds", "0,1,2,3,4,5,6",
    )  # fmt: skip
    assert not_claimed(lane) == {"seed_qi_bundle_passed"}


def test_a_grid_that_is_too_coarse_ends_as_a_validation(mhx, tmp_path):
    """a = 0.36 at 64 points: below the floor, with a tail that says why there is one."""
    lane = carried_out(
        mhx, tmp_path / "lane", "--nx", 64, "--ny", 64, "--target-saved-frames", 121,
        "--convergence-resolutions", "48,64,80", "--crosscheck-resolutions", "48,56,72",
    )  # fmt: skip
    failed = not_claimed(lane)
    assert "spectral_tail_within_tolerance" in failed
    assert "production_resolution_floor" in lane.failed("rutherford_plan")
