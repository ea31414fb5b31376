"""A forger at work on a bundle: cases altered, and every digest of the testbed around them rebuilt.

Digests are replaced wherever they stand, from the cases outwards, until nothing changes: manifests
of cases, journal, tables, `testbed_manifest.json`, and the bundle's own manifests at last.
"""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from mhx.campaigns import thresholds
from mhx.campaigns.rutherford.studies.bundle import ARRAYS, declared_bounds
from mhx.campaigns.rutherford.studies.cases import read_cases
from mhx.campaigns.rutherford.studies.judging import judge
from mhx.campaigns.rutherford.studies.study import SCHEMAS
from mhx.evidence import schemas, store
from mhx.evidence.gates import validation_document
from mhx.evidence.hashing import canonical, content_digest, file_digest
from mhx.evidence.manifest import write_artifact_manifest
from mhx.evidence.verify import testbed_digest, verify
from mhx.reconnection.arrays import write_arrays
from mhx.testbed.records import sealed

from ..campaigns.forger import alter, read
from .forging import resealed

MANIFEST, JOURNAL = "testbed_manifest.json", "testbed_events.jsonl"
TABLES = ("testbed_plan.json", "testbed_cases.csv", "testbed_analysis.json", JOURNAL, MANIFEST)
UNSEALED = "0" * 64


def cases(bundle: Path) -> list[Path]:
    """Folders of the cases, by name."""
    return sorted(path for path in (bundle / "cases").iterdir() if path.is_dir())


def rows(case: Path, change: Callable[[dict[str, np.ndarray]], object]) -> None:
    """Rows of a case; its folder is bound again."""
    alter(case / "history.npz", change)


def bound(bundle: Path) -> None:
    """Every digest of a bundle as its files are now; hashing finds nothing afterwards."""
    replaced: dict[str, str] = {}
    for case in cases(bundle):
        _case(case, replaced)
    for name in TABLES:
        path = bundle / name
        if path.exists():
            _retold(path, replaced)
    resealed(bundle / "manifest.json")
    write_artifact_manifest(bundle)
    assert verify(bundle).problems == []


def _case(case: Path, replaced: dict[str, str]) -> None:
    path = case / "manifest.json"
    before, digest = file_digest(path), read(path)["digest"]
    hashes = read(path)["hashes"]
    if all(file_digest(case / name) == hashes[name] for name in hashes):
        return
    resealed(path)
    write_artifact_manifest(case)
    replaced[before], replaced[digest] = file_digest(path), read(path)["digest"]


def _retold(path: Path, replaced: dict[str, str]) -> None:
    """A table with new digests in the place of old ones, and its own digest anew."""
    before = file_digest(path)
    text = path.read_text()
    for old, new in replaced.items():
        text = text.replace(old, new)
    if path.name == JOURNAL:
        text = _chained(text, replaced)
    elif path.name == MANIFEST:
        text = _sealed(json.loads(text)).decode()
    if text != path.read_text():
        store.write_bytes(path, text.encode())
        replaced[before] = file_digest(path)


def _chained(text: str, replaced: dict[str, str]) -> str:
    previous, told = None, []
    for line in map(json.loads, text.splitlines()):
        old = line.pop("digest")
        line["previous"] = previous
        previous = content_digest(line)
        replaced[old] = previous
        told.append(canonical({**line, "digest": previous}) + "\n")
    return "".join(told)


def _sealed(document: dict[str, Any]) -> bytes:
    document |= {"digest": testbed_digest(document), "seal": UNSEALED}
    return sealed(store.render_json(document))


def rejudged(bundle: Path, kind: str) -> None:
    """The verdicts that the cases give now, at the bounds of the bundle; then everything bound."""
    used = declared_bounds(read(bundle / "manifest.json"))
    found = judge(kind, read_cases(bundle), thresholds.strictest({}, used, kind))
    schema = schemas.gates_of(SCHEMAS[kind])
    document = validation_document(schema, found.results, dict(found.metrics))
    store.write_json(bundle / "validation.json", document)
    write_arrays(bundle / ARRAYS[SCHEMAS[kind]], SCHEMAS[kind], found.arrays)
    bound(bundle)


def left_out(bundle: Path, name: str) -> None:
    """One case taken out of plan, tables and folder, as if it had never been asked for."""
    case = bundle / "cases" / name
    plan, document = read(bundle / "testbed_plan.json"), read(bundle / MANIFEST)
    (row,) = [one for one in plan["cases"] if Path(one["config_path"]).stem == name]
    for table in (plan["cases"], document["cases"], document["metrics"]):
        table[:] = [one for one in table if one["case_id"] != row["case_id"]]
    asked = {
        "cases": [[one["case_id"], one["child_digest"]] for one in plan["cases"]],
        "metrics": plan["metrics"],
        "checks": plan["checks"],
    }
    plan["plan_digest"] = document["plan_digest"] = content_digest(asked)
    for key in ("case_count", "executed_count", "successful_count"):
        document[key] -= 1
    for path in [path for path in document["files"] if f"/{name}" in path]:
        del document["files"][path]
    replaced = {file_digest(bundle / "testbed_plan.json"): ""}
    store.write_json(bundle / "testbed_plan.json", plan)
    replaced = dict.fromkeys(replaced, file_digest(bundle / "testbed_plan.json"))
    for table in ("cases", "metrics"):
        path = bundle / f"testbed_{table}.csv"
        before = file_digest(path)
        kept = [line for line in path.read_text().splitlines(True) if row["case_id"] not in line]
        store.write_bytes(path, "".join(kept).encode())
        replaced[before] = file_digest(path)
    (bundle / "_generated_configs" / f"{name}.toml").unlink()
    shutil.rmtree(case)
    store.write_bytes(bundle / MANIFEST, _sealed(document))
    for table in (JOURNAL, MANIFEST):
        _retold(bundle / table, replaced)
