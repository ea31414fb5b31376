"""The root of a lane as a folder that `mhx verify` and `verify.py` check, with all that lies below.

Its manifest says what was asked for; what may be claimed stands in the manifest of the run below.
"""

from mhx.campaigns.lane import document as lanes
from mhx.evidence import manifest
from mhx.evidence.claims import ClaimLevel
from mhx.evidence.provenance import provenance
from mhx.evidence.verifier import VERIFIER_NAME, write_verifier


def unseal(lane: lanes.Lane) -> None:
    """While commands run, the root vouches for nothing; its manifest says that it is a lane."""
    (lane.root / manifest.ARTIFACT_MANIFEST_NAME).unlink(missing_ok=True)


def seal(lane: lanes.Lane) -> None:
    """Write the verifier and both manifests of the root, the list of all files last."""
    root = lane.root
    write_verifier(root)
    logs = [path.relative_to(root).as_posix() for path in (root / lanes.LOGS).glob("*.log")]
    own = [lanes.MANIFEST, lanes.SCRIPT, VERIFIER_NAME, *logs]
    manifest.seal(
        root,
        manifest.Manifest(
            kind=manifest.LANE,
            config={"campaign": lanes.asked_for(lane.campaign)},
            files={},
            figures=manifest.describe(root, own),
            provenance=provenance(),
            claim={
                "claim_level": ClaimLevel.VALIDATION.value,
                "claim_scope": lanes.BOUNDARY,
                "waivers": [],
            },
        ),
    )
