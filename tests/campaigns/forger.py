"""What a forger can do with a finished run: alter arrays, then rebuild every digest around them.

`rebuild` leaves nothing that hashing could find: records, their chain, index, history, manifests
and a new line of the ledger.  What is still refused afterwards is refused for its content.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from mhx.campaigns.folder import RunFolder
from mhx.campaigns.plan import read_plan
from mhx.campaigns.resume import write_index
from mhx.evidence import manifest, store
from mhx.evidence.checkpoints import read_records, write_record
from mhx.evidence.claims import current_level, record_transition
from mhx.evidence.hashing import file_digest
from mhx.reconnection.arrays import read_arrays, write_arrays
from mhx.reconnection.trajectory import assemble_history, write_history

OURS = ("schema", "kind", "config", "outputs", "hashes", "identity", "digest", "self_digest")


def read(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text())


def edit(path: Path, **changes: Any) -> None:
    """Change keys of a JSON file; every digest of it is now wrong."""
    store.write_json(path, {**read(path), **changes})


def alter(path: Path, change: Callable[[dict[str, np.ndarray]], object]) -> None:
    """Change arrays of an NPZ file and leave it readable."""
    with np.load(path) as found:
        arrays = {name: found[name].copy() for name in found.files}
    schema = str(arrays.pop("schema"))
    change(arrays)
    write_arrays(path, schema, arrays)
    read_arrays(path, schema)


def scaled(name: str, row: int, factor: float) -> Callable[[dict[str, np.ndarray]], object]:
    def change(arrays: dict[str, np.ndarray]) -> None:
        arrays[name][row] *= factor

    return change


def rebuild_manifest(root: Path, **claim: Any) -> None:
    """Both manifests of a folder as the files in it are now."""
    path = root / "manifest.json"
    old = read(path)
    paths = {key: old["outputs"].get(key, key) for key in old["hashes"]}
    there = {
        key: file_digest(root / place) for key, place in paths.items() if (root / place).exists()
    }
    made = manifest.Manifest(
        kind=old["kind"],
        config=old["config"],
        files={key: there[key] for key in old["identity"] if key in there},
        figures={key: text for key, text in there.items() if key not in old["identity"]},
        provenance={key: value for key, value in old.items() if key not in OURS},
        claim=claim,
    )
    manifest.write_manifest(root, made)
    manifest.write_artifact_manifest(root)


def rebuild_records(run: Path) -> None:
    """Each checkpoint record with the digests of its artifacts as they are now, chained anew."""
    previous = None
    for record in read_records(run)[0]:
        document = dict(record.document)
        for artifact in document["artifacts"].values():
            if artifact and (run / artifact["path"]).exists():
                artifact["sha256"] = file_digest(run / artifact["path"])
                artifact["size_bytes"] = (run / artifact["path"]).stat().st_size
        document["previous"] = previous
        previous = read(write_record(run, document))["digest"]
    write_index(RunFolder(run), read_plan(RunFolder(run)))


def rebuild_history(run: Path) -> None:
    """The history anew from the segments."""
    records = read_records(run)[0]
    segments = [run / name for record in records for name in record.history]
    write_history(run / "production_history.npz", assemble_history(segments))


def rebuild(run: Path) -> None:
    """Everything: no hash is wrong afterwards."""
    rebuild_records(run)
    rebuild_manifest(run)
    level = current_level(run / "claim_ledger.jsonl")
    record_transition(
        run / "claim_ledger.jsonl",
        from_level=level,
        to_level=level,
        command=["mhx"],
        digests=manifest.bindings(run),
        reason="judged again",
    )
