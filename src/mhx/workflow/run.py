"""What `mhx run FILE` does: lock the folder, carry out the runner, leave evidence behind.

A run folder holds `config.toml` (as run, every default written out), what the runner wrote,
`run_summary.json` or `run_error.json`, `verify.py`, `manifest.json` and, last of all,
`artifact_manifest.json`.  A finished run is never computed twice: asked again, it is verified.  A
folder that holds anything else is refused and left as it is; `attempts/` and `superseded/`, which a
testbed keeps there, are no part of a run.
"""

import contextlib
import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NoReturn

from mhx.config import Source, listed
from mhx.errors import BUG, INTERRUPTED, ConfigError, EvidenceError, MhxError
from mhx.evidence import provenance, verify
from mhx.evidence.claims import ClaimLevel
from mhx.evidence.gates import Gate, GateResult, all_pass, judge
from mhx.evidence.manifest import (
    ARTIFACT_MANIFEST_NAME,
    CAMPAIGN_PLAN,
    EVIDENCE_PLACES,
    LEFT_OUT_FOLDERS,
    LOCKS,
    MANIFEST_NAME,
    Manifest,
    describe,
    read_manifest,
    seal,
    takes_evidence,
)
from mhx.evidence.schemas import RUN_ERROR, RUN_SUMMARY, RUN_VALIDATION
from mhx.evidence.store import drafts, read_json, strict, sweep_drafts, write_json, write_text
from mhx.evidence.verifier import VERIFIER_NAME, write_verifier
from mhx.execution.lock import hold
from mhx.report.answer import Answer
from mhx.runner import RunRequest, RunSummary
from mhx.workflow.load import Changes, Loaded, Written, load_written, read_chain
from mhx.workflow.registry import runner_of
from mhx.workflow.stored import (
    CONFIG,
    config_text,
    first_difference,
    input_places,
    kept_config,
    plain,
    same_configuration,
    stored_config,
    stored_inputs,
)

__all__ = ["CONFIG", "ERROR", "SUMMARY", "check_written", "run_file", "run_written"]

SUMMARY, ERROR = "run_summary.json", "run_error.json"
VALIDATION = "validation.json"
_IDENTITY = (".npz", ".csv", ".toml")  # the rest is pictures, or holds times and rates
_TOLD_APART = frozenset({CONFIG})  # its content is identity by itself; its paths are none
_MANIFEST_NOTES = ("family_digest",)  # what a runner says of itself for the manifest


def run_file(path: Path, output_dir: Path | None = None, changes: Changes | None = None) -> Answer:
    """Carry out one configuration file; the answer is verified when the run was finished before."""
    return run_written(read_chain(path, changes), output_dir)


def run_written(written: Written, output_dir: Path | None = None) -> Answer:
    """Carry out a configuration file that was read."""
    loaded = _loaded(written, output_dir)
    root, asked = loaded.output_dir, _asked(loaded)
    if _finished(root, asked):
        return _verified(root, loaded)
    with hold(root, attempt=f"mhx run {loaded.path.name}"):
        if _finished(root, asked):  # by whoever held the lock just now
            return _verified(root, loaded)
        sweep_drafts(root)
        write_text(root / CONFIG, config_text(asked.config))
        done = _carried_out(loaded, written.source)
        results = _judged(root)
        _seal(root, asked, done)
    return _answer(root, loaded, results, done.document)


def check_written(written: Written, output_dir: Path | None = None) -> Answer:
    """Check a file and its folder as a run would, and start nothing."""
    loaded = _loaded(written, output_dir)
    root = loaded.output_dir
    finished = _finished(root, _asked(loaded))
    return Answer(
        headline=f"{loaded.name}: {'finished before' if finished else 'can run'}, "
        f"mode {loaded.row.mode!r}; nothing was started",
        details=[f"it {'is' if finished else 'would go'} in {root}"],
        next=f"mhx {'verify' if finished else 'run'} {root if finished else loaded.path}",
        document={
            "mode": loaded.row.mode,
            "config": dict(loaded.config),
            "output_dir": str(root),
            "inputs": {key: str(path) for key, path in loaded.inputs.items()},
            "overrides": [dict(entry) for entry in loaded.overrides],
            "finished": finished,
        },
    )


def _loaded(written: Written, output_dir: Path | None) -> Loaded:
    loaded = load_written(written)
    if loaded.row.mode == "testbed":
        raise ConfigError(f"{written.path} is a testbed; it is carried out by mhx.testbed")
    return loaded if output_dir is None else replace(loaded, output_dir=output_dir)


def _asked(loaded: Loaded) -> "_Asked":
    root = loaded.output_dir
    overrides = [{**entry, "value": plain(entry["value"])} for entry in loaded.overrides]
    config = stored_config(loaded, root)
    return _Asked(config, stored_inputs(loaded, root), input_places(loaded, config), overrides)


@dataclass(frozen=True)
class _Asked:
    """What a run folder keeps of what was asked: paths count from it.

    inputs: SHA-256 of every file that the run reads, by path; places: where these stand in config.
    overrides: what was changed in the file.
    """

    config: Mapping[str, Any]
    inputs: Mapping[str, str]
    places: Sequence[Sequence[str | int]] = ()
    overrides: Sequence[Mapping[str, Any]] = ()


@dataclass(frozen=True)
class _Done:
    """What a runner returned: as it is stored, the notes, and the digests of its artifacts."""

    document: Mapping[str, Any]
    notes: Mapping[str, str]
    hashes: Mapping[str, str]


def _finished(root: Path, asked: _Asked) -> bool:
    """True for a finished run of this configuration; ConfigError for a folder that is not ours."""
    if root.exists() and not root.is_dir():
        raise ConfigError(f"{root} is a file; --output-dir must name a folder")
    _must_not_lie_in_a_campaign(root)
    there = _contents(root) if root.exists() else set()
    if not there or there <= {path.name for path in drafts(root)}:
        return False
    if CONFIG not in there:
        raise ConfigError(
            f"{root} is not empty and holds no run of mhx; give another --output-dir "
            "(nothing was changed)"
        )
    if there == {CONFIG, ERROR} and _refused(root):
        return False
    kept = kept_config(root)
    if not same_configuration(kept, asked.config):
        _refuse_other(root, first_difference(kept, asked.config))
    if MANIFEST_NAME not in there:
        return False
    inputs = read_manifest(root / MANIFEST_NAME).get("inputs", {})
    changed = [name for name in sorted(inputs | asked.inputs) if _differs(inputs, asked, name)]
    if changed:
        _refuse_other(root, f"its input {changed[0]} was another file")
    return ARTIFACT_MANIFEST_NAME in there  # the last file of a run: without it, it was killed


def _differs(inputs: Mapping[str, str], asked: _Asked, name: str) -> bool:
    return inputs.get(name) != asked.inputs.get(name)


def _refuse_other(root: Path, difference: str) -> NoReturn:
    raise ConfigError(
        f"{root} holds a run of another configuration ({difference}); give another --output-dir, "
        "or move that folder away (nothing was changed)"
    )


def _must_not_lie_in_a_campaign(root: Path) -> None:
    here = place = os.path.realpath(root)
    while (above := os.path.dirname(place)) != place:
        place = above
        if os.path.exists(os.path.join(place, CAMPAIGN_PLAN)):
            if takes_evidence(Path(place), Path(here)):
                return
            raise ConfigError(
                f"{root} lies inside the campaign run {place}, whose files are listed by digest; "
                f"evidence about it goes to its folders {', '.join(sorted(EVIDENCE_PLACES))}; "
                "give another --output-dir"
            )


def _refused(root: Path) -> bool:
    """True when all that lies here is a configuration that was refused, and why."""
    return bool(read_json(root / ERROR, RUN_ERROR)["exit_code"] == ConfigError.exit_code)


def _carried_out(loaded: Loaded, source: Source) -> _Done:
    """Run the runner; whatever ends it, a bug included, is on record before it is raised again."""
    root = loaded.output_dir
    for stale in (SUMMARY, ERROR):
        (root / stale).unlink(missing_ok=True)
    fresh = _contents(root) <= {CONFIG}
    try:
        summary = _summary(loaded, source)
        document = strict(_summary_document(summary))
        write_json(root / SUMMARY, document)
        hashes = describe(root, summary.artifacts)
    except (Exception, KeyboardInterrupt) as error:
        code = INTERRUPTED if isinstance(error, KeyboardInterrupt) else BUG
        record = {
            "schema": RUN_ERROR,
            "class": type(error).__name__,
            "message": str(error) or "interrupted",
            "exit_code": error.exit_code if isinstance(error, MhxError) else code,
        }
        if fresh and isinstance(error, ConfigError):  # asked again with what is right, it may run
            with contextlib.suppress(OSError):  # what cannot be taken away hides no reason
                _clear(root)
        with contextlib.suppress(MhxError):  # a full disk: the first error says so
            write_json(root / ERROR, record)
        raise
    return _Done(document, summary.notes, hashes)


def _contents(root: Path) -> set[str]:
    """What lies in a run folder besides locks and attempts."""
    return set(os.listdir(root)) - LOCKS - LEFT_OUT_FOLDERS


def _clear(root: Path) -> None:
    """Take away what a refused run has written, unless runs of its own are finished in it."""
    if any(root.rglob(MANIFEST_NAME)):
        return
    for name in _contents(root) - {CONFIG}:
        path = root / name
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


def _summary(loaded: Loaded, source: Source) -> RunSummary:
    """What the runner returns; keys that it finds at fault are told where they are written."""
    try:
        return runner_of(loaded.row)(RunRequest(config=loaded.config, output_dir=loaded.output_dir))
    except ConfigError as error:
        if error.faults:
            raise listed(source, error.faults) from error
        raise


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


def _seal(root: Path, asked: _Asked, done: _Done) -> None:
    """Add the verifier, then fix what lies here by digest; the artifact manifest comes last."""
    write_verifier(root)
    own = {CONFIG, SUMMARY, VERIFIER_NAME}
    if (root / VALIDATION).is_file():
        own.add(VALIDATION)
    hashes = {**done.hashes, **describe(root, own - done.hashes.keys())}
    notes = done.notes
    manifest = Manifest(
        kind="case",
        config=asked.config,
        inputs=asked.inputs,
        input_places=asked.places,
        files={name: digest for name, digest in hashes.items() if _is_identity(name)},
        figures={name: digest for name, digest in hashes.items() if not _is_identity(name)},
        provenance={
            **provenance.provenance(device=notes.get("device"), dtype=notes.get("dtype")),
            **_engines(notes),
        },
        claim={
            "claim_level": ClaimLevel.VALIDATION.value,
            "claim_scope": "One run of one configuration: a numerical result, not agreement with "
            "data, and no evidence of convergence by itself.",
            **{key: notes[key] for key in _MANIFEST_NOTES if key in notes},
        },
    )
    seal(root, manifest)


def _is_identity(name: str) -> bool:
    return name.endswith(_IDENTITY) and name not in _TOLD_APART


def _engines(notes: Mapping[str, str]) -> dict[str, dict[str, dict[str, str]]]:
    """The programs that a runner used, from its notes `engine.<name>.<key>`."""
    found: dict[str, dict[str, str]] = {}
    for note, text in notes.items():
        if note.startswith("engine."):
            _, name, key = note.split(".", 2)
            found.setdefault(name, {})[key] = text
    return {"engines": found} if found else {}


def _answer(
    root: Path, loaded: Loaded, results: Sequence[GateResult], document: Mapping[str, Any]
) -> Answer:
    open_gates = sum(not result.passed for result in results)
    verdict = f"{open_gates} of {len(results)} gates did not pass" if open_gates else "finished"
    passed = f", {len(results)} gates passed" if results and not open_gates else ""
    return Answer(
        headline=f"{loaded.name}: {verdict}{passed}",
        wrote=root,
        results=results,
        details=_result(root, document["notes"]),
        next=f"mhx verify {root}",
        document=document,
        exit_code=0 if not results or all_pass(results) else 1,
    )


def _result(root: Path, notes: Mapping[str, str]) -> list[str]:
    """What the runner found, in its own words, and where its page lies."""
    told = notes.get("result", "").splitlines()
    page = notes.get("comparison_web_report", "")
    if page and (root / page).is_file():
        told.append(f"page: {root / page}")
    return told


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
    document = read_json(root / SUMMARY, RUN_SUMMARY)
    answer = _answer(root, loaded, _judged(root), document)
    details = [
        *answer.details,
        "nothing was computed: the run was finished before; every file is as it was written",
    ]
    if manifest.get("code_digest") != provenance.code_digest():
        details.append(
            f"it was made by other code (mhx {manifest['mhx_version']}); "
            "to compute it anew, give another --output-dir"
        )
    return replace(
        answer, wrote=None, details=details, document={**answer.document, "run": str(root)}
    )
