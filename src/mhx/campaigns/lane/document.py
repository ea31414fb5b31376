"""`production_campaign_manifest.json`: the list of commands, then what became of each.

Written before the first command and rewritten after every one, so that it always says how far the
lane is.  Asking again for the same lane keeps its results; another lane needs another folder once a
command has run here.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mhx.campaigns.lane.commands import LaneCommand
from mhx.errors import ConfigError
from mhx.evidence import schemas
from mhx.evidence.claims import ClaimLevel
from mhx.evidence.provenance import now
from mhx.evidence.store import read_json, write_json
from mhx.workflow.placeholders import leaves

MANIFEST = "production_campaign_manifest.json"
SCRIPT = "run_commands.sh"
LOGS = "logs"
DRY_RUN, EXECUTE = "dry_run", "execute"
BOUNDARY = (
    "a list of commands and how each ended; what may be claimed stands in the manifest of the run "
    "that the last command finalises, never here"
)
_PREFERENCES = ("python_executable", "jobs", "timeouts", "root", "found_before", "estimate")
"""Keys of `campaign` that say how the lane is carried out, not which lane it is."""


@dataclass(frozen=True, kw_only=True)
class Lane:
    """A lane before it is written: where, which commands, what the domain says of it.

    program: the words that stand for `mhx`.  campaign: the table of that name in the manifest.
    required_gates, policy: as the manifest lists them.
    """

    root: Path
    commands: Sequence[LaneCommand]
    program: Sequence[str]
    campaign: Mapping[str, Any]
    required_gates: Sequence[Mapping[str, Any]]
    policy: Mapping[str, str]
    stage_folders: Sequence[str] = field(default=())

    @property
    def manifest(self) -> Path:
        return self.root / MANIFEST


def stored(lane: Lane) -> dict[str, Any] | None:
    """The manifest that lies in the root already; None when there is none."""
    return read_json(lane.manifest, schemas.PRODUCTION_LANE) if lane.manifest.exists() else None


def document(
    lane: Lane, *, before: Mapping[str, Any] | None, execute: bool = False
) -> dict[str, Any]:
    """The manifest, without its `validation`; results of an earlier call for this lane are kept."""
    found_before = (
        before["campaign"]["found_before"]
        if before
        else [name for name in lane.stage_folders if (lane.root / name).exists()]
    )
    return {
        "schema": schemas.PRODUCTION_LANE,
        "created_utc": before["created_utc"] if before else now(),
        "mode": EXECUTE if execute else DRY_RUN,
        "claim_level": ClaimLevel.VALIDATION.value,
        "claim_boundary": BOUNDARY,
        "production_claim_policy": dict(lane.policy),
        "campaign": {**lane.campaign, "found_before": found_before},
        "required_gates": [dict(row) for row in lane.required_gates],
        "commands": [each.document(lane.program, lane.root) for each in lane.commands],
        "execution": {
            "requested": execute,
            "status": "not_started" if execute else "skipped_dry_run",
            "results": list(before["execution"]["results"]) if before else [],
        },
    }


def asked_for(campaign: Mapping[str, Any]) -> dict[str, Any]:
    """What makes a campaign this lane and no other, without how it is carried out."""
    return {name: value for name, value in campaign.items() if name not in _PREFERENCES}


def same_lane(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """What differs between two manifests of one root, one line each; [] for the same lane."""
    there, asked = (dict(leaves(asked_for(content["campaign"]))) for content in (old, new))
    differences = [
        f"{name}: {there.get(name)!r} -> {asked.get(name)!r}"
        for name in sorted({*there, *asked})
        if there.get(name) != asked.get(name)
    ]
    words = [{row["id"]: _words(row) for row in content["commands"]} for content in (old, new)]
    changed = [
        name for name in {**words[0], **words[1]} if words[0].get(name) != words[1].get(name)
    ]
    return differences or [f"command {name} differs" for name in changed]


def _words(row: Mapping[str, Any]) -> list[str]:
    """A command without its program and without the number of jobs."""
    words = list(row["command"])
    for place in [place for place, word in enumerate(words) if word == "--jobs"]:
        del words[place : place + 2]
    first = next(
        (place for place, word in enumerate(words) if word in ("campaign", "benchmark")), 0
    )
    return words[first:]


def refuse_another(lane: Lane, old: Mapping[str, Any] | None, new: Mapping[str, Any]) -> None:
    """A root in which commands of another lane have run is left alone."""
    if old is None or not old["execution"]["results"]:
        return
    if changes := same_lane(old, new):
        listed = "".join(f"\n  {change}" for change in changes)
        raise ConfigError(
            f"{lane.root} holds the results of another lane (there -> asked):{listed}\n"
            "use another --outdir, or ask for the lane that is there"
        )


def write(lane: Lane, content: Mapping[str, Any]) -> None:
    """Put the manifest in place, whole."""
    write_json(lane.manifest, content)
