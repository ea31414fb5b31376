"""What a forger rebuilds so that no hash is wrong: any manifest, a plan under a run, a whole lane.

Rows, records and ledger of a run are rebuilt by `campaigns/forger.py`; here is what goes beyond it.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from mhx.campaigns.folder import RunFolder
from mhx.campaigns.plan import plan_digest, read_plan
from mhx.campaigns.resume import write_index
from mhx.evidence import manifest, store
from mhx.evidence.checkpoints import read_records, write_record
from mhx.evidence.claims import current_level, record_transition
from mhx.evidence.hashing import content_digest, file_digest
from mhx.evidence.verify import verify, without_circumstance

from ..campaigns.forger import alter, edit, read, rebuild, rebuild_history

PLAN = "campaign_plan.json"
TOP = "production"


def resealed(path: Path, **changes: Any) -> None:
    """A manifest as the files beside it are now, with these keys changed, and its own seal."""
    document = {**read(path), **changes}
    outputs = document["outputs"]
    there = {key: path.parent / outputs.get(key, key) for key in document["hashes"]}
    kept = {key: file_digest(place) for key, place in there.items() if place.exists()}
    named = [key for key in document["identity"] if key in kept]
    document |= {"hashes": kept, "identity": named}
    document["outputs"] = {
        key: name for key, name in outputs.items() if key in kept or key not in there
    }
    body = {
        "schema": document["schema"],
        "config": without_circumstance(document["config"]),
        "files": {key: kept[key] for key in named},
        **({"inputs": document["inputs"]} if "inputs" in document else {}),
    }
    document["digest"] = content_digest(body)
    document.pop("self_digest", None)
    store.write_json(path, {**document, "self_digest": content_digest(document)})


def forged(run: Path) -> None:
    """Rows, records, chain, manifests and ledger anew; hashing finds nothing afterwards."""
    resealed(run / "plan_manifest.json")
    rebuild(run)
    rebuild_history(run)
    rebuild(run)
    assert verify(run).problems == []


def recounted(run: Path) -> None:
    """`forged`, wherever that leads: what is wrong besides hashes may still be found."""
    rebuild(run)
    rebuild_history(run)
    rebuild(run)


def rebound(run: Path) -> None:
    """The promotion report bound to the run as it is now, and its folder sealed again."""
    digest = manifest.run_digest(run)
    edit(run / "promotion" / "promotion_readiness.json", run_digest=digest)
    resealed(run / "promotion" / "manifest.json", run_digest=digest)
    manifest.write_artifact_manifest(run / "promotion")


def claimed_again(run: Path) -> None:
    """A claim of ones own over the run as it is: report, manifest and ledger agree about it."""
    rebound(run)
    report = file_digest(run / "promotion" / "promotion_readiness.json")
    digest = manifest.run_digest(run)
    resealed(
        run / "manifest.json", claim_level=TOP, run_digest=digest, promotion_report_sha256=report
    )
    manifest.write_artifact_manifest(run)
    record_transition(
        run / manifest.LEDGER_NAME,
        from_level=current_level(run / manifest.LEDGER_NAME),
        to_level=TOP,
        command=["mhx"],
        digests=manifest.bindings(run),
        reason="granted: the promotion report verifies and every gate passes",
    )


def without_its_end(run: Path) -> int:
    """The last checkpoint thrown away; the step at which the run ends now."""
    *others, last = sorted(record.step for record in read_records(run)[0])
    for path in (*run.glob(f"checkpoints/*{last}.*"), *run.glob(f"frames/*{last}.npz")):
        path.unlink()
    return others[-1]


def replan(run: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """Another plan under the same run: its digest anew in every file that carries it."""
    document = read(run / PLAN)
    change(document)
    document["family_digest"] = content_digest(document["family"])
    digest = document["plan_digest"] = plan_digest(document)
    edit(run / PLAN, **document)
    start = run / "checkpoints" / "initial_state.npz"
    for place in (start, *run.glob("checkpoints/state_step_*.npz")):
        alter(place, lambda arrays: arrays.update(plan_digest=np.array(digest)))
    for record in read_records(run)[0]:
        changed = {"plan_digest": digest, "initial_state_sha256": file_digest(start)}
        write_record(run, {**record.document, **changed})
    _initial_record(run, plan_digest=digest, family_digest=document["family_digest"])
    write_index(RunFolder(run), read_plan(RunFolder(run)))
    stated = {"plan_digest": digest, "family_digest": document["family_digest"]}
    for name in (manifest.PLAN_MANIFEST_NAME, manifest.MANIFEST_NAME):
        resealed(run / name, **stated, config=document["config"])


def restarted(run: Path) -> None:
    """The bound initial state as its file is now, in every record that rests on it."""
    digest = file_digest(run / "checkpoints" / "initial_state.npz")
    for record in read_records(run)[0]:
        write_record(run, {**record.document, "initial_state_sha256": digest})
    _initial_record(run)


def _initial_record(run: Path, **changes: Any) -> None:
    path = run / "checkpoints" / "initial_state.json"
    document = {**read(path), **changes}
    state = run / document["artifacts"]["state"]["path"]
    document["artifacts"]["state"] |= {
        "sha256": file_digest(state),
        "size_bytes": state.stat().st_size,
    }
    document.pop("digest")
    store.write_json(path, {**document, "digest": content_digest(document)})
