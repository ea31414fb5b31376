"""Which finished cases stand, and why the others are carried out (again).

A case stands when its last recorded outcome is `ok`, its digest is that of the plan, and every file
of its run hashes to what was recorded.  The first reason against it is told, in the order of
testbed.md, 8.3.  Reads only; nothing is moved or linked here.
"""

import os
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from mhx.errors import ConfigError
from mhx.testbed.child.digests import version_and_digest
from mhx.testbed.running.journal import JOURNAL, History, Result, stored_history
from mhx.testbed.running.reading import altered_file
from mhx.workflow.load import load
from mhx.workflow.run import CONFIG

TOLD = 5  # keys that a reason names before it counts the rest
FINISHED = ("failed", "timeout")  # ended, and not well
_NOT_COMPARED = ("name", "output_dir")  # of [workflow]: where it ran, what it was called


@dataclass(frozen=True, kw_only=True)
class Policy:
    """mode: same_digest or never; fresh: asked for on the command line."""

    mode: str = "same_digest"
    rerun_failed: bool = True
    fresh: bool = False
    sources: tuple[Path, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Decision:
    """What becomes of a case.

    stands: its result is kept, a good one or (rerun_failed = false) a bad one.
    origin: the testbed and the result there that is linked in.
    reason: why it is carried out; empty when it stands.
    """

    stands: bool
    reason: str = ""
    origin: tuple[Path, Result] | None = None


@dataclass
class Reuse:
    """Decides for the cases of one testbed."""

    root: Path
    known: History
    policy: Policy = field(default_factory=Policy)
    _elsewhere: dict[str, tuple[Path, Result]] | None = None

    def decide(self, case: Mapping[str, Any]) -> Decision:
        """What becomes of a case of the plan document."""
        reason = self._against(case)
        if not reason:
            return Decision(stands=True)
        if reason not in ("reuse is off", "forced"):
            found = self._linkable(case["case_digest"])
            if found is not None:
                return Decision(stands=False, reason=reason, origin=found)
        return Decision(stands=False, reason=reason)

    def _against(self, case: Mapping[str, Any]) -> str:
        case_id = case["case_id"]
        result = self.known.results.get(case_id)
        status = self.known.status_of(case_id)
        if result is None and status == "planned":
            return "first run"
        if self.policy.mode == "never":
            return "reuse is off"
        same = result is not None and result.case_digest == case["case_digest"]
        if status != "ok" or result is None:
            kept = same and status in FINISHED and not self.policy.rerun_failed
            return "" if kept and not self.policy.fresh else f"previous status was {status}"
        if not same:
            return self._changed(case, result)
        if altered := altered_file(self.root / result.run_dir, result.manifest_sha256):
            return f"evidence altered: {altered}"
        return "forced" if self.policy.fresh else ""

    def _changed(self, case: Mapping[str, Any], result: Result) -> str:
        """The first part of the digest that differs, by name."""
        if case["child_digest"] != result.child_digest:
            return self._configuration(case, result)
        old, new = result.parts, case.get("digest_parts") or {}
        if keys := _differing(old.get("inputs"), new.get("inputs")):
            return f"input changed: {_some(PurePosixPath(key).name for key in keys)}"
        if keys := _differing(old.get("engines"), new.get("engines")):
            return (
                f"engine changed: {_some(_engine(k, old['engines'], new['engines']) for k in keys)}"
            )
        if keys := _differing(old.get("code"), new.get("code")):
            return f"code changed: {_some(keys)}"
        return f"code changed: mhx {old.get('version')} -> {new.get('version')}"

    def _configuration(self, case: Mapping[str, Any], result: Result) -> str:
        run, child = self.root / result.run_dir, self.root / case["config_path"]
        stored = _toml(run / CONFIG)
        changes = list(_changes(stored, run, _toml(child), child.parent))
        if not changes and stored:  # a key that is written no more: compare with its default
            changes = list(_changes(stored, run, load(child).config, child.parent))
        return f"configuration changed: {_some(changes)}" if changes else "configuration changed"

    def _linkable(self, case_digest: str) -> tuple[Path, Result] | None:
        found = self._others().get(case_digest)
        if found is None:
            return None
        root, result = found
        return None if altered_file(root / result.run_dir, result.manifest_sha256) else found

    def _others(self) -> Mapping[str, tuple[Path, Result]]:
        if self._elsewhere is None:
            self._elsewhere = {
                result.case_digest: (root, result)
                for root in self.policy.sources
                for result in _history_of(root).results.values()
                if result.status == "ok"
            }
        return self._elsewhere


def _history_of(root: Path) -> History:
    if not (root / JOURNAL).is_file():
        raise ConfigError(f"testbed.reuse.from: {root} holds no testbed ({JOURNAL} is not there)")
    return stored_history(root)


def _differing(old: Any, new: Any) -> list[str]:
    before, after = old or {}, new or {}
    return [key for key in sorted({*before, *after}) if before.get(key) != after.get(key)]


def _engine(name: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> str:
    """`mf6 6.4.1 -> 6.5.0`; where the versions are equal, or not known, the files differ."""
    before, after = (
        version_and_digest(str(parts[name]))[0] if name in parts else "none" for parts in (old, new)
    )
    if before == after:
        return f"{name} {before}".rstrip() + ": another file"
    return f"{name} {before} -> {after}"


def _some(entries: Iterable[str]) -> str:
    found = list(entries)
    more = f" and {len(found) - TOLD} more" if len(found) > TOLD else ""
    return ", ".join(found[:TOLD]) + more


def _toml(path: Path) -> Mapping[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):  # gone or torn: then no key can be named
        return {}


def _changes(
    old: Mapping[str, Any], old_folder: Path, new: Mapping[str, Any], new_folder: Path
) -> Iterator[str]:
    """Keys that both files set, to different values; then keys of the child that are new.

    The run's file spells out every default, the child only what was written: a key that only the
    run has is a default.  A path is the same when both lead to one file.
    """
    before, after = dict(_leaves(old)), dict(_leaves(new))
    for key, value in after.items():
        if key not in before:
            yield f"{key} {value!r} is new"
        elif not _same(before[key], old_folder, value, new_folder):
            yield f"{key} {before[key]!r} -> {value!r}"


def _leaves(table: Any, above: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in table.items():
        name = f"{above}{key}"
        if above == "workflow." and key in _NOT_COMPARED:
            continue
        if isinstance(value, Mapping):
            yield from _leaves(value, f"{name}.")
        elif isinstance(value, list) and value and all(_has_id(item) for item in value):
            for item in value:
                yield from _leaves(item, f"{name}.{item['id']}.")
        else:
            yield name, value


def _has_id(item: Any) -> bool:
    return isinstance(item, Mapping) and "id" in item


def _same(old: Any, old_folder: Path, new: Any, new_folder: Path) -> bool:
    if old == new:
        return True
    if isinstance(old, list) and isinstance(new, list):
        return len(old) == len(new) and all(
            _same(one, old_folder, other, new_folder) for one, other in zip(old, new, strict=True)
        )
    if not (isinstance(old, str) and isinstance(new, str)):
        return False
    return os.path.normpath(old_folder / old) == os.path.normpath(new_folder / new)
