"""What a run left behind: summary, manifest, gates, error; and whether it is still as it was.

The testbed knows of a run only these files.  They are read once, hashed while they are read, and
held against the run's own manifest.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mhx.errors import EvidenceError
from mhx.evidence.gates import Gate, Verdict, judge
from mhx.evidence.hashing import content_digest, file_digest
from mhx.evidence.manifest import (
    ARTIFACT_MANIFEST_NAME,
    MANIFEST_NAME,
    read_artifact_manifest,
)
from mhx.evidence.parsing import parse_json
from mhx.evidence.schemas import MANIFEST, RUN_ERROR, RUN_SUMMARY, RUN_VALIDATION

SUMMARY, ERROR, VALIDATION = "run_summary.json", "run_error.json", "validation.json"


@dataclass(frozen=True, kw_only=True)
class Reading:
    """A finished run as its files tell it.

    metrics: dotted name -> number, None where it was not a number; notes: name -> text.
    artifacts: paths of its files, from its folder.
    gate_verdict: the worst of its gates, judged again; empty where it has none.
    """

    metrics: Mapping[str, float | None]
    notes: Mapping[str, str]
    artifacts: frozenset[str]
    summary_sha256: str
    manifest_sha256: str
    run_digest: str
    gate_verdict: str = ""
    open_gates: tuple[str, ...] = ()


def read_run(folder: Path) -> Reading:
    """Read a finished run; EvidenceError names the file that is missing or altered."""
    content, manifest = _manifest(folder)
    hashes = manifest["hashes"]
    summary = _listed(folder, SUMMARY, hashes, RUN_SUMMARY)
    verdict: str = ""
    open_gates: tuple[str, ...] = ()
    if VALIDATION in hashes:
        verdict, open_gates = _judged(_listed(folder, VALIDATION, hashes, RUN_VALIDATION))
    return Reading(
        metrics=summary["metrics"],
        notes=summary["notes"],
        artifacts=frozenset(summary["artifacts"]),
        summary_sha256=hashes[SUMMARY],
        manifest_sha256=hashlib.sha256(content).hexdigest(),
        run_digest=manifest["digest"],
        gate_verdict=verdict,
        open_gates=open_gates,
    )


def read_error(folder: Path) -> Mapping[str, Any] | None:
    """Class, message and exit code of a run that ended in an error; None when it left none."""
    try:
        found = parse_json((folder / ERROR).read_bytes())
    except (OSError, ValueError):
        return None
    return found if found.get("schema") == RUN_ERROR else None


def altered_file(folder: Path, manifest_sha256: str = "") -> str:
    """The first file of a finished run that is not as recorded; empty when all are.

    manifest_sha256: what its manifest must be; empty: whatever is whole in itself.
    """
    try:
        content, manifest = _manifest(folder)
    except EvidenceError:
        return MANIFEST_NAME
    if manifest_sha256 and hashlib.sha256(content).hexdigest() != manifest_sha256:
        return MANIFEST_NAME
    for name, digest in sorted(manifest["hashes"].items()):
        try:
            if file_digest(folder / name) != digest:
                return str(name)
        except OSError:
            return str(name)
    try:
        read_artifact_manifest(folder / ARTIFACT_MANIFEST_NAME)
    except EvidenceError:
        return ARTIFACT_MANIFEST_NAME
    return ""


def _manifest(folder: Path) -> tuple[bytes, dict[str, Any]]:
    path = folder / MANIFEST_NAME
    try:
        content = path.read_bytes()
        document = parse_json(content)
        body = {key: value for key, value in document.items() if key != "self_digest"}
        whole = document["schema"] == MANIFEST and document["self_digest"] == content_digest(body)
    except (OSError, ValueError, KeyError) as error:
        raise EvidenceError(f"{path} is missing or torn ({error})") from error
    if not whole:
        raise EvidenceError(f"{path} was edited after it was written")
    return content, document


def _listed(folder: Path, name: str, hashes: Mapping[str, str], schema: str) -> dict[str, Any]:
    """A file that the manifest lists, parsed from the bytes that were hashed."""
    path = folder / name
    try:
        content = path.read_bytes()
    except OSError as error:
        raise EvidenceError(f"{path} is missing ({error.strerror})") from error
    if hashlib.sha256(content).hexdigest() != hashes.get(name):
        raise EvidenceError(f"{path} is not the file that its manifest lists")
    document: dict[str, Any] = json.loads(content)
    if document.get("schema") != schema:
        raise EvidenceError(f"{path} has the schema {document.get('schema')}, not {schema}")
    return document


def _judged(document: Mapping[str, Any]) -> tuple[str, tuple[str, ...]]:
    """The worst verdict of the gates, judged again from stored values and bounds."""
    found = {name: _verdict(name, stored) for name, stored in document["verdicts"].items()}
    if not found:
        return "", ()
    order = (Verdict.FAIL, Verdict.UNKNOWN, Verdict.PASS)
    worst = min(found.values(), key=order.index)
    still_open = (name for name, verdict in found.items() if verdict is not Verdict.PASS)
    return worst.value, tuple(sorted(still_open))


def _verdict(name: str, stored: Mapping[str, Any]) -> Verdict:
    bound = {side: value for side, value in stored["bound"].items() if value is not None}
    gate = Gate(name=name, metric=stored["metric"], reason=stored["reason"], **bound)
    return judge(gate, {gate.metric: stored["value"]}).verdict
