"""Bytes altered after the claim, no digest touched: what a slip of the hand or a quick edit leaves.

Every one is found by `mhx verify` and by the `verify.py` that travels with the run.
"""

import os
import shutil

import pytest

from ..campaigns.forger import edit, read
from .installed import plain
from .refusal import demoted

pytestmark = pytest.mark.accept


def replaced(path, content):
    """New bytes under an old name; a linked copy elsewhere keeps its own."""
    path.unlink()
    path.write_bytes(content)


def flipped(path, place=-9):
    content = bytearray(path.read_bytes())
    content[place] ^= 1
    status = path.stat()
    replaced(path, bytes(content))
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))  # as if nobody had been here


def one_byte_with_its_old_date(run):
    flipped(run / "production_history.npz")


def torn_segment(run):
    path = sorted(run.glob("checkpoints/history_step_*.npz"))[2]
    replaced(path, path.read_bytes()[:-100])


def lost_record(run):
    sorted(run.glob("checkpoints/step_*.json"))[3].unlink()


def lost_state(run):
    sorted(run.glob("checkpoints/state_step_*.npz"))[3].unlink()


def looser_plan(run):
    thresholds = read(run / "campaign_plan.json")["thresholds"]
    edit(run / "campaign_plan.json", thresholds={**thresholds, "max_spectral_tail": 1.0})


def other_configuration(run):
    path = run / "campaign_config.toml"
    path.write_text(path.read_text().replace("viscosity = 0.008", "viscosity = 0.009"))


def better_report(run):
    path = run / "promotion" / "promotion_readiness.json"
    edit(path, reconnected_flux_amplification=1e9)


def better_verdict(run):
    path = run / "promotion" / "validation.json"
    verdicts = read(path)["verdicts"]
    verdicts["growth_rate_matches_eigenvalue"]["value"] = 0.0
    edit(path, verdicts=verdicts)


def edited_manifest(run):
    edit(run / "manifest.json", claim_scope="valid for every sheet")


def no_manifest(run):
    (run / "manifest.json").unlink()


def no_list(run):
    (run / "artifact_manifest.json").unlink()


def a_key_given_twice(run):
    path = run / "manifest.json"
    path.write_text(path.read_text().replace("{", '{\n  "claim_level": "validation",', 1))


def not_a_number(run):
    path = run / "validation.json"
    path.write_text(path.read_text().replace('"value": 0', '"value": NaN', 1))


def one_more_file(run):
    (run / "checkpoints" / "state_step_999999999999.npz").write_bytes(b"more")


def link_to_the_same_bytes(run):
    """Equal today; tomorrow whoever owns the target decides."""
    path = run / "production_history.npz"
    outside = run.parent.parent / "elsewhere.npz"
    shutil.copy2(path, outside)
    path.unlink()
    path.symlink_to(outside)


def another_movie(run):
    figures = run / "figures"
    flux = figures / "fixed_scale_flux_movie.gif"
    replaced(flux, (figures / "fixed_scale_current_density_movie.gif").read_bytes())


def a_verifier_that_is_always_content(run):
    (run / "verify.py").write_text("print('all as recorded')\n")


def no_report(run):
    shutil.rmtree(run / "promotion")


ALTERED = {
    one_byte_with_its_old_date: "altered: production_history.npz",
    torn_segment: "altered: checkpoints/history_step_",
    lost_record: "(missing|contradicted): checkpoints/",
    lost_state: "missing: checkpoints/state_step_",
    looser_plan: "altered: campaign_plan.json",
    other_configuration: "altered: campaign_config.toml",
    better_report: "altered: promotion/promotion_readiness.json",
    better_verdict: "altered: promotion/validation.json",
    edited_manifest: "altered: manifest.json",
    no_manifest: "missing: manifest.json",
    no_list: "missing: artifact_manifest.json",
    a_key_given_twice: "altered: manifest.json.*twice",
    not_a_number: "altered: validation.json.*NaN",
    one_more_file: "unexpected: checkpoints/state_step_999999999999.npz",
    link_to_the_same_bytes: "refused: production_history.npz .a link that leaves",
    another_movie: "altered: figures/fixed_scale_flux_movie.gif",
    a_verifier_that_is_always_content: "altered: verify.py",
    no_report: "missing: promotion",
}


@pytest.mark.parametrize("forge", ALTERED, ids=lambda forge: forge.__name__)
def test_bytes_that_are_not_those_of_the_claim_take_it_away(mhx, claimed, forge):
    forge(claimed.run)
    demoted(mhx, claimed, ALTERED[forge])


def test_plain_python_finds_it_too(claimed):
    flipped(claimed.run / "production_history.npz")
    said = plain(claimed.run / "verify.py")
    assert said.code == 4 and "altered: production_history.npz" in said
