"""Folders that can be made again at will: templates and FAST runs.

Such a folder is recognised by its first file; made again, it is emptied of what its manifest lists.
Anything else that is not empty belongs to somebody else and is left alone.
"""

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mhx.errors import ConfigError
from mhx.evidence import manifest, verify
from mhx.evidence.provenance import provenance
from mhx.evidence.store import read_json


def refuse_foreign(root: Path, first: str) -> None:
    """A folder that is not empty and no sketch is left alone."""
    if root.exists() and not root.is_dir():
        raise ConfigError(f"--outdir must be a folder, {root} is a file")
    entries = sorted(path.name for path in root.iterdir()) if root.is_dir() else []
    entries = [name for name in entries if name not in manifest.LOCKS]
    if entries and first not in entries:
        raise ConfigError(
            f"--outdir {root} is not empty and holds no {first} (found {', '.join(entries[:3])}); "
            "name a new or an empty folder"
        )


def clear(root: Path, first: str, schema: str) -> None:
    """Empty the folder of an earlier sketch; for whoever holds its lock."""
    if not (root / first).is_file():
        return
    read_json(root / first, schema)
    own = root / manifest.MANIFEST_NAME
    listed = read_json(own)["hashes"] if own.is_file() else {}
    for name in [*listed, manifest.MANIFEST_NAME]:
        if name != first:
            (root / name).unlink(missing_ok=True)


def seal(root: Path, config: Mapping[str, Any], claim: Mapping[str, Any], **origin: Any) -> None:
    """Add `verify.py` and the manifest; `origin`: kind, and device and dtype where known."""
    kind = origin.pop("kind")
    shutil.copyfile(Path(verify.__file__), root / "verify.py")
    described = manifest.describe(
        root, [name for name in manifest.evidence_files(root) if name != manifest.MANIFEST_NAME]
    )
    identity = {name for name in described if name.endswith((".npz", ".toml"))}
    manifest.write_manifest(
        root,
        manifest.Manifest(
            kind=kind,
            config=config,
            files={name: described[name] for name in sorted(identity)},
            figures={name: text for name, text in described.items() if name not in identity},
            provenance=provenance(**origin),
            claim=claim,
            artifact_manifest=False,
        ),
    )
