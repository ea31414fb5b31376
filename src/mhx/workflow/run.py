"""What `mhx run FILE` does: lock the folder, carry out the runner, leave evidence behind.

A run folder holds `config.toml` (as run, every default written out), what the runner wrote,
`run_summary.json` or `run_error.json`, `verify.py`, `manifest.json` and, last of all,
`artifact_manifest.json`.  A finished run is never computed twice: asked again, it is verified.  A
folder that holds anything else is refused and left as it is.
"""

import contextlib
import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from mhx.config import read_toml, to_toml
from mhx.errors import BUG, INTERRUPTED, ConfigError, EvidenceError, MhxError
from mhx.evidence import provenance, verify
from mhx.evidence.claims import ClaimLevel
from mhx.evidence.gates import Gate, GateResult, all_pass, judge
from mhx.evidence.hashing import content_digest
from mhx.evidence.manifest import (
    LEFT_OUT_FOLDERS,
    LOCKS,
    MANIFEST_NAME,
    Manifest,
    describe,
    read_manifest,
    without_circumstance,
    write_artifact_manifest,
    write_manifest,
)
from mhx.evidence.schemas import RUN_ERROR, RUN_SUMMARY, RUN_VALIDATION
from mhx.evidence.store import drafts, read_json, sweep_drafts, write_json, write_text
from mhx.execution.lock import hold
from mhx.report.answer import Answer
from mhx.runner import RunRequest, RunSummary
from mhx.workflow.load import Loaded, load
from mhx.workflow.registry import runner_of

CONFIG, SUMMARY, ERROR = "config.toml", "run_summary.json", "run_error.json"
VALIDATION, VERIFY = "validation.json", "verify.py"
_IDENTITY = (".npz", ".csv", ".toml")  # the rest is pictures, or holds times and rates
_MANIFEST_NOTES = ("family_digest",)  # what a runner says of itself for the manifest
_PLAN = "campaign_plan.json"
_BESIDE_A_RUN = LOCKS | LEFT_OUT_FOLDERS  # whoever starts runs keeps its own records there


def run_file(path: Path, output_dir: Path | None = None) -> Answer:
    """Carry out one configuration file; the answer is verified when the run was finished before."""
    loaded = load(path)
    if output_dir is not None:
        loaded = replace(loaded, output_dir=output_dir)
    root = loaded.output_dir
    if _finished(root, loaded.config):
        return _verified(root, loaded)
    with hold(root, attempt=f"mhx run {path.name}"):
        if _finished(root, loaded.config):  # by whoever held the lock just now
            return _verified(root, loaded)
        sweep_drafts(root)
        write_text(root / CONFIG, to_toml(loaded.config))
        summary = _carried_out(loaded)
        results = _judged(root)
        _seal(root, loaded, summary)
    return _answer(root, loaded, results)


def _finished(root: Path, config: Mapping[str, Any]) -> bool:
    """True for a finished run of this configuration; ConfigError for a folder that is not ours."""
    if root.exists() and not root.is_dir():
        raise ConfigError(f"{root} is a file; --output-dir must name a folder")
    for parent in root.resolve().parents:
        if (parent / _PLAN).exists():
            raise ConfigError(
                f"{root} lies inside the campaign run {parent}, whose files are listed by digest; "
                "give another --output-dir"
            )
    if not root.exists():
        return False
    if set(os.listdir(root)) <= _BESIDE_A_RUN | {path.name for path in drafts(root)}:
        return False
    if not (root / CONFIG).is_file():
        raise ConfigError(
            f"{root} is not empty and holds no run of mhx; give another --output-dir "
            "(nothing was changed)"
        )
    if _nothing_has_run(root):
        return False
    kept, _ = read_toml(root / CONFIG)
    if _identity(kept) != _identity(config):
        first = _first_difference(kept, config)
        raise ConfigError(
            f"{root} holds a run of another configuration ({first}); give another --output-dir, "
            "or move that folder away (nothing was changed)"
        )
    return (root / MANIFEST_NAME).is_file()


def _nothing_has_run(root: Path) -> bool:
    """True when all that lies here is a configuration that was refused, and why."""
    if set(os.listdir(root)) - _BESIDE_A_RUN != {CONFIG, ERROR}:
        return False
    return bool(read_json(root / ERROR, RUN_ERROR)["exit_code"] == ConfigError.exit_code)


def _identity(config: Mapping[str, Any]) -> str:
    return content_digest(_content(config))


def _content(config: Mapping[str, Any]) -> dict[str, Any]:
    """A configuration without where it ran and what it was called."""
    kept = {key: value for key, value in without_circumstance(config).items() if key != "name"}
    kept["workflow"] = {k: v for k, v in kept.get("workflow", {}).items() if k != "name"}
    return kept


def _first_difference(kept: Mapping[str, Any], asked: Mapping[str, Any]) -> str:
    old, new = _leaves(_content(kept)), _leaves(_content(asked))
    for key in sorted(old.keys() | new.keys()):
        if old.get(key) != new.get(key):
            return f"{key} is {old.get(key)!r} there, {new.get(key)!r} here"
    return "it differs"


def _leaves(table: Mapping[str, Any], above: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in table.items():
        name = f"{above}{key}"
        found |= _leaves(value, f"{name}.") if isinstance(value, Mapping) else {name: value}
    return found


def _carried_out(loaded: Loaded) -> RunSummary:
    """Run the runner; whatever ends it, a bug included, is on record before it is raised again."""
    root = loaded.output_dir
    for stale in (SUMMARY, ERROR):
        (root / stale).unlink(missing_ok=True)
    try:
        summary = runner_of(loaded.row)(RunRequest(config=loaded.config, output_dir=root))
        write_json(root / SUMMARY, _summary_document(summary))
        describe(root, summary.artifacts)
    except (Exception, KeyboardInterrupt) as error:
        code = INTERRUPTED if isinstance(error, KeyboardInterrupt) else BUG
        record = {
            "schema": RUN_ERROR,
            "class": type(error).__name__,
            "message": str(error) or "interrupted",
            "exit_code": error.exit_code if isinstance(error, MhxError) else code,
        }
        with contextlib.suppress(MhxError):  # a full disk: the first error says so
            write_json(root / ERROR, record)
        raise
    return summary


def _summary_document(summary: RunSummary) -> dict[str, Any]:
    return {
        "schema": RUN_SUMMARY,
        "metrics": dict(summary.metrics),
        "notes": dict(summary.notes),
        "artifacts": sorted(summary.artifacts),
    }


def _judged(root: Path) -> list[GateResult]:
    """The gates of `validation.json`, judged again from the stored values and bounds."""
    if not (root / VALIDATION).is_file():
        return []
    verdicts = read_json(root / VALIDATION, RUN_VALIDATION)["verdicts"]
    return [_rejudged(name, stored) for name, stored in verdicts.items()]


def _rejudged(name: str, stored: Mapping[str, Any]) -> GateResult:
    bound = {side: value for side, value in stored["bound"].items() if value is not None}
    gate = Gate(
        name=name,
        metric=stored["metric"],
        reason=stored["reason"],
        remedy=stored.get("remedy", ""),
        **bound,
    )
    return judge(gate, {gate.metric: stored["value"]})


def _seal(root: Path, loaded: Loaded, summary: RunSummary) -> None:
    """Copy the verifier, then fix what lies here by digest; the artifact manifest comes last."""
    shutil.copyfile(verify.__file__, root / VERIFY)
    written = {CONFIG, SUMMARY, VERIFY, *summary.artifacts}
    if (root / VALIDATION).is_file():
        written.add(VALIDATION)
    hashes = describe(root, written)
    notes = summary.notes
    manifest = Manifest(
        kind="case",
        config=loaded.config,
        files={name: digest for name, digest in hashes.items() if name.endswith(_IDENTITY)},
        figures={name: digest for name, digest in hashes.items() if not name.endswith(_IDENTITY)},
        provenance=provenance.provenance(device=notes.get("device"), dtype=notes.get("dtype")),
        claim={
            "claim_level": ClaimLevel.VALIDATION.value,
            "claim_scope": "One run of one configuration: a numerical result, not agreement with "
            "data, and no evidence of convergence by itself.",
            **{key: notes[key] for key in _MANIFEST_NOTES if key in notes},
        },
    )
    write_manifest(root, manifest)
    write_artifact_manifest(root)


def _answer(root: Path, loaded: Loaded, results: Sequence[GateResult]) -> Answer:
    open_gates = sum(not result.passed for result in results)
    verdict = f"{open_gates} of {len(results)} gates did not pass" if open_gates else "finished"
    passed = f", {len(results)} gates passed" if results and not open_gates else ""
    return Answer(
        headline=f"{loaded.name}: {verdict}{passed}",
        wrote=root,
        results=results,
        next=f"mhx verify {root}",
        document=read_json(root / SUMMARY, RUN_SUMMARY),
        exit_code=0 if not results or all_pass(results) else 1,
    )


def _verified(root: Path, loaded: Loaded) -> Answer:
    """A finished run asked for again: nothing is computed, every file is hashed."""
    report = verify.verify(root)
    if report.problems:
        listed = "".join(f"\n  {problem}" for problem in report.problems)
        raise EvidenceError(
            f"{root} holds a finished run whose files were changed:{listed}\n"
            "move the folder away and run again"
        )
    manifest = read_manifest(root / MANIFEST_NAME)
    answer = _answer(root, loaded, _judged(root))
    details = ["nothing was computed: the run was finished before; every file is as it was written"]
    if manifest.get("code_digest") != provenance.code_digest():
        details.append(
            f"it was made by other code (mhx {manifest['mhx_version']}); "
            "to compute it anew, give another --output-dir"
        )
    return replace(
        answer, wrote=None, details=details, document={**answer.document, "run": str(root)}
    )
