"""What makes a case the same computation: digests of child, case and plan.

`child_digest` covers the configuration as its table reads it, so that 1 and 1.0 are one case;
`case_digest` what besides it decides the numbers: input files, engines, the version of mhx and the
source files of the packages that the row lists.  Time, host, absolute paths and worker counts never
enter.
"""

import importlib.util
import os
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

from mhx import __version__
from mhx.config import Table
from mhx.config.lines import Place
from mhx.config.paths import Kind, counted_in, with_paths
from mhx.errors import EngineMissing
from mhx.evidence.hashing import content_digest, file_digest
from mhx.evidence.verify import without_circumstance
from mhx.testbed.child.watching import Remembered
from mhx.workflow.inputs import input_digests
from mhx.workflow.registry import Registration

Identity = Callable[[Mapping[str, Any]], tuple[Mapping[str, str], str]]
"""A configuration -> its engines with version and digest, and why one of them was not found."""
CASE_SCHEMA = "mhx.testbed.case.v1"
MISSING = "missing"
_SHA256 = re.compile("[0-9a-f]{64}")


def child_digest(config: Mapping[str, Any]) -> str:
    """Of a checked configuration; where it runs and what it is called are left out."""
    kept = without_circumstance(config)
    kept.pop("name", None)
    workflow = kept.get("workflow")
    if isinstance(workflow, Mapping):
        kept["workflow"] = {key: value for key, value in workflow.items() if key != "name"}
    return content_digest(kept)


def case_digest(row: Registration, child: str, parts: Mapping[str, Any]) -> str:
    """Of a child and of all else that decides its numbers (`Parts.of`)."""
    name = f"{row.subject}/{row.runner}"
    return content_digest({"schema": CASE_SCHEMA, "row": name, "child": child, **parts})


def plan_digest(
    cases: Iterable[tuple[str, str]],
    metrics: Sequence[Mapping[str, Any]],
    checks: Sequence[Mapping[str, Any]],
) -> str:
    """Of all enabled (case id, child digest), in order, with what is asked of them."""
    body = {"cases": [list(case) for case in cases], "metrics": metrics, "checks": checks}
    return content_digest(body)


class Parts:
    """What enters the digests of the cases of one plan besides their configurations, by name.

    Files are hashed once.  missing: why an engine was not found, each reason once.
    """

    def __init__(self, row: Registration, table: type[Table], folder: Path) -> None:
        self.missing: dict[str, None] = {}
        self._table, self._folder = table, folder
        self._identity = _identity_of(row)
        self._code = {name: package_digest(name) for name in row.code}
        self._files: dict[str, Mapping[str, str]] = {}

    def of(self, config: Mapping[str, Any], inputs: Sequence[str]) -> dict[str, Any]:
        """inputs, engines, version and code of one child; inputs are paths from its folder."""
        files: dict[str, str] = {}
        if inputs:
            counted = counted_in(self._table, config)
            config = with_paths(self._table, config, self._absolute)
        for text in inputs:
            if text not in self._files:
                found = input_digests(Path(self._real(text)), text, counted.get(text, ""))
                self._files[text] = found
            files.update(self._files[text])
        return {
            "inputs": files,
            "engines": self._engines(config),
            "version": __version__,
            "code": self._code,
        }

    def _absolute(self, place: Place, kind: Kind, text: str) -> str:
        return self._real(text)

    def _real(self, text: str) -> str:
        """The path that a child writes as `text`; the folder of the children need not exist yet."""
        return os.path.normpath(os.path.join(self._folder, text))

    def _engines(self, config: Mapping[str, Any]) -> Mapping[str, str]:
        if self._identity is None:
            return {}
        found, reason = self._identity(config)
        if reason:
            self.missing[reason] = None
        return found


@cache
def package_digest(name: str) -> str:
    """Content digest of the source files of a package or module, found without running it."""
    spec = importlib.util.find_spec(name)
    if spec is None:
        return ""
    if not spec.submodule_search_locations:
        return file_digest(spec.origin) if spec.origin else ""
    roots = [Path(place) for place in spec.submodule_search_locations]
    files = {
        path.relative_to(root).as_posix(): file_digest(path)
        for root in roots
        for path in sorted(root.rglob("*.py"))
    }
    return content_digest(files)


def _identity_of(row: Registration) -> Identity | None:
    if not row.identity:
        return None
    module, _, name = row.identity.partition(":")
    identity = getattr(import_module(module), name)

    def found(config: Mapping[str, Any]) -> tuple[Mapping[str, str], str]:
        try:
            return identity(config), ""
        except EngineMissing as error:  # a plan can be made without it, a run cannot
            return {MISSING: _first_words(str(error))}, str(error)

    return Remembered(found)


def _first_words(reason: str) -> str:
    return reason.partition("\n")[0].partition(";")[0]


def version_and_digest(identity: str) -> tuple[str, str]:
    """Version and SHA-256 of an executable from its identity, which may hold but one of them."""
    words = identity.split()
    digest = next((word for word in words if _SHA256.fullmatch(word)), "")
    return " ".join(word for word in words if word != digest), digest
