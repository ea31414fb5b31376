"""Numbers for the promotion gates on files: presence, hashes, chain, code, commands, movies.

Each counts faults that were found by reading the folder; 0 is none, None is a question that the
files cannot answer.
"""

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from mhx.campaigns import commands
from mhx.campaigns.folder import RunFolder
from mhx.campaigns.plan import Plan
from mhx.campaigns.rutherford.outputs import MOVIES
from mhx.campaigns.thresholds import BOUNDS
from mhx.errors import EvidenceError
from mhx.evidence import manifest, schemas, verify
from mhx.evidence.checkpoints import Checkpoint, select
from mhx.evidence.hashing import file_digest
from mhx.evidence.store import read_json
from mhx.reconnection.figures import MOVIES as MOVIE_FIELDS
from mhx.reconnection.trajectory import assemble_history, join_frames

Metrics = dict[str, float | None]
FRAMES = ("min_movie_frames", BOUNDS["min_movie_frames"].value)


def file_metrics(
    folder: RunFolder,
    plan: Plan,
    records: Sequence[Checkpoint],
    history: Mapping[str, np.ndarray],
) -> tuple[Metrics, list[str]]:
    """The metrics, and every fault that verification found, in words."""
    faults = hash_faults(folder)
    newest = max((record.step for record in records), default=0)
    present = {
        "diagnostics_faults": (folder.diagnostics, schemas.CAMPAIGN_EXECUTION),
        "validation_faults": (folder.validation, schemas.gates_of(schemas.CAMPAIGN_EXECUTION)),
        "manifest_faults": (folder.manifest, schemas.MANIFEST),
        "artifact_manifest_faults": (folder.artifact_manifest, schemas.ARTIFACTS),
    }
    metrics: Metrics = {name: faulty(*place) for name, place in present.items()}
    metrics |= {
        "plan_faults": float(sum("campaign_plan.json" in fault for fault in faults)),
        "artifact_faults": float(len(faults)),
        "checkpoint_chain_faults": _chain_faults(folder, plan, records, history),
        "history_schema_faults": float(not history),
        "steps_missing": float(plan.target_step - newest),
        "code_identity_faults": _code_identity(folder, records),
        "artifacts_without_command": _without_command(folder),
        **_movies(folder, plan),
    }
    return metrics, faults


def hash_faults(folder: RunFolder) -> list[str]:
    """Every fault of the run's own files; the report that is about to be made again is left out.

    So is what that report says of its evidence, which is judged by itself: evidence that was made
    again since must not stand in the way of a new report.  And so is that a claim names the report
    of an earlier check: whether it still holds is what is asked.
    """
    try:
        report = verify.verify(folder.root)
    except verify.NothingToVerify as nothing:
        return [f"missing: {nothing}"]
    others = ((folder.promotion.name,), ("..",))
    return [
        str(fault)
        for fault in report.problems
        if Path(fault.path).parts[:1] not in others
        and verify.REPORT not in fault.detail
        and not verify.of_an_older_report(fault)
    ]


def faulty(path: Path, schema: str) -> float:
    """1 where a file cannot be read under its schema, else 0."""
    try:
        read_json(path, schema)
    except EvidenceError:
        return 1.0
    return 0.0


def _chain_faults(
    folder: RunFolder,
    plan: Plan,
    records: Sequence[Checkpoint],
    history: Mapping[str, np.ndarray],
) -> float | None:
    """Records that are no resume points, and history arrays that are not those of the segments."""
    chain = [record for record in records if not record.registered]
    if not chain:
        return None
    selection = select(folder.root, target=plan.target_step, plan_digest=plan.digest)
    segments = [folder.root / name for record in chain for name in record.history]
    try:
        again = assemble_history(segments)
    except EvidenceError:
        return float(len(selection.rejected) + 1)
    differing = len(again.keys() ^ history.keys()) + sum(
        not np.array_equal(again[name], history[name]) for name in again.keys() & history.keys()
    )
    return float(len(selection.rejected) + differing)


def _code_identity(folder: RunFolder, records: Sequence[Checkpoint]) -> float | None:
    """How many codes planned and wrote the run, less one; None where one cannot be named.

    A code has a name as a commit without changes, or as a wheel whose files are as it brought them.
    """
    try:
        stated = [manifest.read_manifest(path) for path in (folder.plan_manifest, folder.manifest)]
    except EvidenceError:
        return None
    try:
        named = [_named(one["git"] or {}, one.get("wheel")) for one in stated]
        codes = {str(one["code_digest"]) for one in stated}
        codes |= {str(record.document["environment"]["code_digest"]) for record in records}
    except (KeyError, TypeError, AttributeError):  # not written by the planner or the executor
        return None
    return float(len(codes) - 1) if all(named) else None


def _named(git: Mapping[str, object], wheel: object) -> bool:
    return git.get("dirty") is False if git.get("commit") is not None else wheel is True


def _without_command(folder: RunFolder) -> float | None:
    try:
        listed = manifest.read_artifact_manifest(folder.artifact_manifest)["files"]
        names = [entry["path"] for entry in listed]
        return float(len(commands.without_command(folder, names)))
    except (EvidenceError, KeyError, TypeError):  # torn, altered, or no list of files
        return None


def _movies(folder: RunFolder, plan: Plan) -> Metrics:
    paths = [folder.figures / name for name in MOVIES]
    missing = sum(not (path.is_file() and path.with_suffix(".json").is_file()) for path in paths)
    faults = None if missing else float(sum(_movie_faults(folder, plan, path) for path in paths))
    return {"missing_movies": float(missing), "movie_faults": faults}


def _movie_faults(folder: RunFolder, plan: Plan, path: Path) -> int:
    """Conditions that one movie misses: bytes, one range, coverage, enough frames that differ."""
    try:
        sidecar = read_json(path.with_suffix(".json"), schemas.MOVIE)
        frames = join_frames(sorted(folder.frames.glob("frames_step_*.npz")))
    except EvidenceError:
        return 1
    try:
        times, steps = sidecar["frame_times"], sidecar["frame_steps"]
        digests = sidecar["frame_sha256"]
        drawn = getattr(frames, _field(path))
        low, high = sidecar["vmin"], sidecar["vmax"]
        holds = [
            sidecar["movie_sha256"] == file_digest(path),
            low <= drawn.min() and drawn.max() <= high and low < high,
            digests == frame_digests(drawn),
            steps == frames.steps.tolist() and times == frames.times.tolist(),
            bool(steps) and steps[0] == 0 and steps[-1] == plan.target_step,
            len(digests) >= plan.thresholds.get(*FRAMES),
            len(set(digests)) > 1,
        ]
    except (KeyError, TypeError, ValueError):  # not a sidecar of ours, or no pictures
        return 1
    return sum(not held for held in holds)


def frame_digests(frames: np.ndarray) -> list[str]:
    """SHA-256 of each picture as a movie draws it: rows from bottom to top."""
    pictures = frames.transpose(0, 2, 1)
    return [hashlib.sha256(picture.tobytes()).hexdigest() for picture in pictures]


def _field(path: Path) -> str:
    return next(field for field, (name, *_) in MOVIE_FIELDS.items() if name == path.name)
