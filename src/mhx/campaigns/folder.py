"""Where each file of a run directory lies (`campaign_plan.json` and its neighbours)."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class RunFolder:
    """The paths of one campaign run; nothing is read or written here."""

    root: Path

    def __getattr__(self, name: str) -> Path:
        try:
            return self.root / _PLACES[name]
        except KeyError:
            raise AttributeError(name) from None


_PLACES = {
    "config": "campaign_config.toml",
    "plan": "campaign_plan.json",
    "plan_validation": "plan_validation.json",
    "plan_manifest": "plan_manifest.json",
    "runbook": "runbook.md",
    "job_array": "job_array.json",
    "diagnostics": "diagnostics.json",
    "validation": "validation.json",
    "history": "production_history.npz",
    "resume_plan": "resume_plan.json",
    "commands": "commands.jsonl",
    "ledger": "claim_ledger.jsonl",
    "verify_script": "verify.py",
    "lock": ".lock",
    "attempts": "attempts",
    "checkpoints": "checkpoints",
    "index": "checkpoints/checkpoint_index.json",
    "initial_state": "checkpoints/initial_state.npz",
    "initial_record": "checkpoints/initial_state.json",
    "quarantine": "checkpoints/quarantine",
    "frames": "frames",
    "figures": "figures",
    "promotion": "promotion",
    "superseded": "superseded",
    "manifest": "manifest.json",
    "artifact_manifest": "artifact_manifest.json",
    "report": "report.html",
}
