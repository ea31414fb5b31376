"""Manifests: what a folder holds, by digest, and what that is called.

Identity is content: schema, configuration and the digests of `files`.  `figures` (pictures, and
files that hold times or rates) are verified, too, but are no identity; provenance stands beside it.
So equal reruns on any machine have equal digests, and an altered file is still found.

`manifest.json` says what a run, case, bundle, template or promotion is; `artifact_manifest.json` is
written last and lists every file, `manifest.json` included.  Both carry `self_digest`, the content
digest of the file without that key, so that an edit of their own is found.
"""

import hashlib
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mhx import __version__
from mhx.errors import ConfigError, EvidenceError
from mhx.evidence import verify
from mhx.evidence.hashing import content_digest, file_digest, shared_digest
from mhx.evidence.provenance import API_VERSION, now
from mhx.evidence.schemas import ARTIFACTS, MANIFEST
from mhx.evidence.store import (
    drafts,
    is_draft,
    read_chained,
    read_json,
    render_json,
    strict,
    write_bytes,
    write_json,
)

MANIFEST_NAME = "manifest.json"
PLAN_MANIFEST_NAME = "plan_manifest.json"
ARTIFACT_MANIFEST_NAME = "artifact_manifest.json"
LEDGER_NAME, COMMANDS_NAME = "claim_ledger.jsonl", "commands.jsonl"

LEFT_OUT_FOLDERS = frozenset({"attempts", "quarantine", "superseded"})
CHAINED = frozenset({COMMANDS_NAME, LEDGER_NAME})
DERIVED = frozenset({"resume_plan.json", "report.html"})
LOCKS = frozenset({".lock", ".lock.json"})

CAMPAIGN_PLAN = "campaign_plan.json"
EVIDENCE_PLACES = frozenset({"convergence", "seed_qi", "sweeps"})
"""Folders of a campaign run in which other runs may leave evidence about it."""
LANE = "lane"  # the kind of a folder in which a campaign and its evidence lie side by side

_PROMOTION_REPORT = "promotion/promotion_readiness.json"
_RUN_FILES = (
    *("campaign_plan.json", "campaign_config.toml", "production_history.npz"),
    *("checkpoints/initial_state.*", "checkpoints/step_*.json", "checkpoints/*_step_*.npz"),
    *("checkpoints/registered/*", "frames/*.npz", "figures/*.gif", "figures/*.json"),
)


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """One manifest in memory.

    files, figures: POSIX path below the folder -> SHA-256 (`describe` makes them).
    inputs: path from the folder -> SHA-256 of every file that was read.  Their contents are
        identity, their paths are not: a run elsewhere that reads equal files is the same run.
    input_places: where in `config` the path of an input stands.
    provenance: as `provenance.provenance` gives it.
    claim: `claim_level`, `claim_scope` and their neighbours (`waivers`, `family_digest`,
        `plan_digest`, `run_digest`, `promotion_report_sha256`), as far as they apply.
    artifact_manifest: whether an `artifact_manifest.json` is written after this one.
    """

    kind: str
    config: Mapping[str, Any]
    files: Mapping[str, str]
    figures: Mapping[str, str] = field(default_factory=dict)
    inputs: Mapping[str, str] = field(default_factory=dict)
    input_places: Sequence[Sequence[str | int]] = ()
    provenance: Mapping[str, Any] = field(default_factory=dict)
    claim: Mapping[str, Any] = field(default_factory=dict)
    artifact_manifest: bool = True
    schema: str = MANIFEST

    @property
    def digest(self) -> str:
        """Identity; equal for equal reruns on any machine."""
        return content_digest(verify.identity({**self._content(), "outputs": {}}))

    def document(self) -> dict[str, Any]:
        """The manifest as it stands on disk; `outputs` are named by their paths."""
        outputs = {name: name for name in (*self.files, *self.figures)}
        if self.artifact_manifest:
            outputs["artifact_manifest"] = ARTIFACT_MANIFEST_NAME
        body = {
            "api_version": API_VERSION,
            "created_utc": now(),
            "mhx_version": __version__,
            **self.provenance,
            **self.claim,
            **self._content(),
            "kind": self.kind,
            "outputs": outputs,
            "digest": self.digest,
        }
        return _sealed(body)

    def _content(self) -> dict[str, Any]:
        """The keys that decide the digest."""
        read = {"inputs": dict(self.inputs), "input_places": [list(p) for p in self.input_places]}
        return {
            "schema": self.schema,
            "config": strict(self.config),
            "hashes": {**self.files, **self.figures},
            "identity": sorted(self.files),
            **(read if self.inputs or self.input_places else {}),
        }


def describe(root: Path, paths: Iterable[str]) -> dict[str, str]:
    """Digest of each declared output below `root`; one that was not written is an error."""
    names = sorted(set(paths))
    missing = [name for name in names if not os.path.isfile(os.path.join(root, name))]
    if missing:
        raise EvidenceError(f"{root}: declared outputs were not written: {', '.join(missing)}")
    return {name: shared_digest(os.path.join(root, name)) for name in names}


def write_manifest(root: Path, manifest: Manifest, name: str = MANIFEST_NAME) -> Path:
    """Write a manifest into its folder and return its path."""
    path = root / name
    write_json(path, manifest.document())
    return path


def seal(root: Path, manifest: Manifest) -> None:
    """Write both manifests of a folder; what the first one lists is not hashed again."""
    content = render_json(manifest.document())
    write_bytes(root / MANIFEST_NAME, content)
    known = {**manifest.files, **manifest.figures}
    known[MANIFEST_NAME] = hashlib.sha256(content).hexdigest()
    level = manifest.claim.get("claim_level")
    levels = {} if level is None else {MANIFEST_NAME: str(level)}
    _write_artifacts(root, root / ARTIFACT_MANIFEST_NAME, known, levels)


def read_manifest(path: Path) -> dict[str, Any]:
    """A manifest as stored, refused when it was edited; `verify` re-hashes what it lists."""
    return _unsealed(path, read_json(path, MANIFEST))


def write_artifact_manifest(root: Path, output: Path | None = None) -> Path:
    """List size and digest of every file below `root`; the last file to be written there."""
    path = root / ARTIFACT_MANIFEST_NAME if output is None else output
    _write_artifacts(root, path, {}, {})
    return path


def read_artifact_manifest(path: Path) -> dict[str, Any]:
    """An artifact manifest as stored, refused when it was edited."""
    return _unsealed(path, read_json(path, ARTIFACTS))


def kind_of(root: Path) -> str | None:
    """What the manifest of a folder says that it is; None where there is none that can be read."""
    try:
        return str(read_json(root / MANIFEST_NAME).get("kind"))
    except EvidenceError:
        return None


def takes_evidence(above: Path, below: Path) -> bool:
    """Whether evidence of another run may be made at `below`, in a folder that is evidence itself.

    A lane has folders for it everywhere, a campaign run those of `EVIDENCE_PLACES`.
    """
    if (above / CAMPAIGN_PLAN).is_file():
        parts = below.relative_to(above).parts
        return bool(parts) and parts[0] in EVIDENCE_PLACES
    return above != below and kind_of(above) == LANE


def evidence_files(root: Path) -> list[str]:
    """POSIX paths of the files below `root` that an artifact manifest lists, sorted.

    Left out: the list itself, locks, journals (chained in themselves), derived views, drafts of
    killed writers, and the folders of attempts, quarantined and superseded files.
    """
    unlisted = CHAINED | DERIVED | LOCKS
    found = []
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(set(folders) - LEFT_OUT_FOLDERS - {"__pycache__"})
        below = Path(folder).relative_to(root).as_posix()
        kept = [name for name in names if name not in unlisted and not is_draft(name)]
        found += kept if below == "." else [f"{below}/{name}" for name in kept]
    return sorted(name for name in found if name != ARTIFACT_MANIFEST_NAME)


def list_artifacts(root: Path, output: Path | None = None) -> Path:
    """The list that a user asks for; one that a claim ledger binds is kept, not written anew.

    Elsewhere (`output`) a list may always be written.  In place, a folder that is not as recorded
    is refused: a new list would hide what was altered.
    """
    if not root.is_dir():
        raise ConfigError(f"{root} is no directory; give the folder whose files are to be listed")
    bound = root / ARTIFACT_MANIFEST_NAME
    if output is not None or not (bound.exists() or (root / LEDGER_NAME).exists()):
        return write_artifact_manifest(root, output)
    faults = [fault for fault in verified(root).problems if fault.kind != "unexpected"]
    if faults:
        told = "".join(f"\n  {fault}" for fault in faults)
        raise EvidenceError(
            f"{root} is not as recorded; a new list would hide that (--output writes one elsewhere)"
            f"{told}"
        )
    if (root / LEDGER_NAME).exists() and bound.exists():
        return bound
    return write_artifact_manifest(root)


def verified(root: Path) -> verify.Report:
    """What `verify` finds in a folder; a folder without manifests is a wrong argument."""
    try:
        return verify.verify(root)
    except verify.NothingToVerify as error:
        raise ConfigError(str(error)) from None


def run_digest(root: Path) -> str:
    """Digest of a run as it is judged: plan, states, records, segments, history, frames, movies."""
    found = {path for pattern in _RUN_FILES for path in root.glob(pattern) if path.is_file()}
    ours = found.difference(drafts(root))
    return content_digest({path.relative_to(root).as_posix(): file_digest(path) for path in ours})


def bindings(root: Path) -> dict[str, str]:
    """What a line of the claim ledger binds: manifests, promotion report, newest command."""
    names = {
        "manifest": MANIFEST_NAME,
        "plan_manifest": PLAN_MANIFEST_NAME,
        "artifact_manifest": ARTIFACT_MANIFEST_NAME,
        "promotion_report": _PROMOTION_REPORT,
    }
    found = {
        key: file_digest(root / name) for key, name in names.items() if (root / name).is_file()
    }
    commands = read_chained(root / COMMANDS_NAME)
    return {**found, **({"commands": commands[-1]["digest"]} if commands else {})}


def _write_artifacts(
    root: Path, path: Path, known: Mapping[str, str], levels: Mapping[str, str]
) -> None:
    """known, levels: digests and claim levels of files that need not be read again."""
    own, place = path.resolve(), root.resolve()
    names = evidence_files(root)
    listed = [n for n in names if not n.endswith(own.name) or (root / n).resolve() != own]
    nested = [name for name in listed if name.endswith(MANIFEST_NAME) and name not in levels]
    body = {
        "schema": ARTIFACTS,
        "api_version": API_VERSION,
        "created_utc": now(),
        "mhx_version": __version__,
        "root": "." if own.parent == place else str(root),
        "claim_levels": {**levels, **_claim_levels(root, nested)},
        "files": [
            {
                "path": name,
                "size_bytes": os.stat(os.path.join(root, name)).st_size,
                "sha256": known.get(name) or file_digest(os.path.join(root, name)),
            }
            for name in listed
        ],
    }
    write_json(path, _sealed(body))


def _claim_levels(root: Path, listed: Iterable[str]) -> dict[str, str]:
    nested = (name for name in listed if Path(name).name == MANIFEST_NAME)
    levels = {name: read_json(root / name).get("claim_level") for name in nested}
    return {name: str(level) for name, level in levels.items() if level is not None}


def _sealed(body: dict[str, Any]) -> dict[str, Any]:
    stored = strict(body)  # NaN is null on disk, and the seal is of what is on disk
    return {**stored, "self_digest": content_digest(stored)}


def _unsealed(path: Path, document: dict[str, Any]) -> dict[str, Any]:
    body = {key: value for key, value in document.items() if key != "self_digest"}
    if document.get("self_digest") != content_digest(body):
        raise EvidenceError(f"{path} was edited after it was written; restore it from a copy")
    return document
