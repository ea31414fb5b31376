"""From a testbed file to everything that is known before a case runs.

`make_plan` reads and computes and writes nothing: the children are written by `children`, the
evidence by `records`.  Faults are collected over all files and cases, and raised once the dry
evidence that names them is on disk.
"""

import os
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from mhx.config.layers import Changes, Written, read_chain
from mhx.config.located import relative_path
from mhx.config.origins import Layer
from mhx.errors import ConfigError
from mhx.evidence.schemas import TESTBED_PLAN
from mhx.testbed.cases import case_list
from mhx.testbed.child.digests import Parts, case_digest, child_digest, plan_digest
from mhx.testbed.child.isolation import outside, verdict
from mhx.testbed.config import Testbed
from mhx.testbed.declaration.declared import Declared, declared
from mhx.testbed.expand import FOLDER, Base, Child, base_of, child_of
from mhx.testbed.matrix import Case, CaseList
from mhx.testbed.running.root import objection, output_root, stored_plan
from mhx.testbed.sources.axes import folder_of, value_at
from mhx.workflow import registry
from mhx.workflow.load import mode_of
from mhx.workflow.registry import Registration, table_of
from mhx.workflow.stored import plain

VERSION = "testbed_plan_v1"
TOLD = 10  # cases that a message names one by one before it counts the rest


@dataclass(frozen=True, kw_only=True)
class PlannedCase:
    """A case with its child.

    config_path: of the child, from the folder of the testbed; "" where there is none.
    child: as its file holds it.  parts: what enters the case digest besides it, by name.
    isolation: verdict and differences.  faults: "k.toml:12  case 'x': text".
    """

    case: Case
    config_path: str = ""
    child: Mapping[str, Any] | None = None
    child_digest: str = ""
    case_digest: str = ""
    parts: Mapping[str, Any]
    isolation: Mapping[str, Any]
    faults: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Plan:
    """A testbed as it would run.

    root: its folder; base: what its children share; sources: other testbeds to take cases from.
    """

    path: Path
    root: Path
    table: Testbed
    row: Registration
    base: Base
    base_path: Path
    listed: CaseList
    cases: tuple[PlannedCase, ...]
    notices: tuple[str, ...]
    faults: tuple[str, ...]
    overrides: tuple[Mapping[str, Any], ...]
    sources: tuple[Path, ...]
    plan_digest: str

    def raise_faults(self) -> None:
        """Raise every fault of every file and case, once."""
        if self.faults:
            raise _error(self.path, self.faults)

    def document(self) -> dict[str, Any]:
        """`testbed_plan.json` without what only the launcher knows."""
        table = self.table.document()
        return {
            "schema_version": VERSION,
            "schema": TESTBED_PLAN,
            "testbed_id": self.table.id,
            "profile": self.table.profile,
            "config_path": relative_path(str(self.path.absolute()), self.root),
            "subject": self.table.subject,
            "purpose": self.table.purpose,
            "runner": self.table.runner.type,
            "base_config": relative_path(str(self.base_path.absolute()), self.root),
            "catalog": self._catalog(),
            "case_from_catalog": plain(table["case_from_catalog"]),
            "axes": table["axis"],
            "designs": [plain(design) for design in self.listed.designs],
            "metrics": _metrics(self.table),
            "checks": table["check"],
            "plan_digest": self.plan_digest,
            "overrides": [plain(entry) for entry in self.overrides],
            "notices": list(self.notices),
            "stale_children": [],
            "cases": [_case_document(planned) for planned in self.cases],
        }

    def _catalog(self) -> dict[str, Any] | None:
        """The record of the catalog, with its path from the folder of the evidence."""
        if self.listed.catalog is None:
            return None
        path = self.path.parent / self.listed.catalog["path"]
        found = {**self.listed.catalog, "path": relative_path(str(path.absolute()), self.root)}
        return dict(plain(found))


def make_plan(path: Path, changes: Changes | None = None) -> Plan:
    """Read a testbed file and expand it; nothing is written.

    ConfigError: what keeps the cases from being made.  Faults of single cases are in the plan.
    """
    written = read_chain(path, changes)
    if mode_of(written) != "testbed":
        place = written.source.place(("workflow", "mode"))
        raise ConfigError(f"{place} must be 'testbed', got {mode_of(written)!r}")
    found = declared(written.data, written.source, path)
    if found.table is None:
        raise _error(path, found.faults)
    table, folder = found.table, path.parent
    row = _row_of(table)
    root = output_root(found, table, folder)
    stored, misplaced = _stored(root, found, table, folder)
    if misplaced:
        raise _error(path, misplaced)
    base_path, base_written = _base_written(found, written, table, folder)
    base, notices, faults = base_of(base_written, row, table_of(row), (root / FOLDER).absolute())
    listed = case_list(table, found.source, folder, stored)
    if listed.faults or faults:
        raise _error(path, (*listed.faults, *faults))
    parts = Parts(row, base.table, root / FOLDER)
    cases = tuple(_planned(case, base, table, parts) for case in listed.cases)
    enabled = [planned for planned in cases if planned.child_digest]
    return Plan(
        path=path,
        root=root,
        table=table,
        row=row,
        base=base,
        base_path=base_path,
        listed=listed,
        cases=cases,
        notices=(*found.notices, *notices, *listed.notices, *_twins(enabled), *parts.missing),
        faults=tuple(_told(cases)),
        overrides=written.overrides,
        sources=tuple(_sources(found, table, folder)),
        plan_digest=plan_digest(
            ((planned.case.id, planned.child_digest) for planned in enabled),
            _metrics(table),
            table.document()["check"],
        ),
    )


def _planned(case: Case, base: Base, table: Testbed, parts: Parts) -> PlannedCase:
    if not case.enabled:
        return PlannedCase(case=case, parts={}, isolation={"verdict": "", "differences": []})
    child = child_of(case, base)
    isolation = {
        "verdict": verdict(child.differences, case.changes),
        "differences": list(child.differences),
    }
    faults = child.faults or tuple(_not_isolated(case, table, child, base))
    if child.config is None or faults:
        return PlannedCase(case=case, parts={}, isolation=isolation, faults=faults)
    digest = child_digest(child.config)
    found = parts.of(child.config, child.inputs)
    return PlannedCase(
        case=_placed(case, table, child.config),
        config_path=f"{FOLDER}/{case.slug}.toml",
        child=child.data,
        child_digest=digest,
        case_digest=case_digest(base.row, digest, found),
        parts=found,
        isolation=isolation,
    )


def _not_isolated(case: Case, table: Testbed, child: Child, base: Base) -> Iterator[str]:
    """A fault where isolation is required and the case changes more, or nobody knows what."""
    found = verdict(child.differences, case.changes)
    if table.isolation != "require" or found == "pass":
        return
    first = child.differences[0]
    why = "neither an axis nor changes says what it may change"
    if case.changes is not None:
        keys = outside(child.differences, case.changes)
        first = next(entry for entry in child.differences if entry["key"] == keys[0])
        more = f" and {len(keys) - 1} more" if len(keys) > 1 else ""
        why = f"{keys[0]}{more} is outside of what it may change: {', '.join(case.changes)}"
    where = ""
    if first["line"]:  # files are told from the folder of the evidence, faults from where we are
        name = os.path.relpath(base.paths.folder.parent / first["file"])
        where = f"{name}:{first['line']}  "
    yield f"{where}case {case.id!r}: testbed.isolation is 'require', but {why}"


def _placed(case: Case, table: Testbed, config: Mapping[str, Any]) -> Case:
    """A case on a declared axis whose value only its child knows."""
    axis = next((axis for axis in table.axis if axis.id == case.axis), None)
    if axis is None or case.axis_value is not None or not axis.keys:
        return case
    value = value_at(config, axis.keys[0])
    if value is None:
        return case
    return replace(case, axis_value=value, coordinates={**case.coordinates, axis.id: value})


def _row_of(table: Testbed) -> Registration:
    wanted = (table.subject, table.runner.type)
    for row in registry.rows():
        if (row.subject, row.runner) == wanted:
            return row
    raise ConfigError(f"no row of the registry carries out {wanted}")


def _sources(found: Declared, table: Testbed, folder: Path) -> Iterator[Path]:
    """Where `reuse.from` leads, from the file in which each entry was written."""
    for number, path in enumerate(table.reuse.sources):
        yield folder_of(found.source, ("testbed", "reuse", "from", number), folder) / path


def _stored(
    root: Path, found: Declared, table: Testbed, folder: Path
) -> tuple[Mapping[str, Any] | None, list[str]]:
    """The plan that lies in the folder, for its drawn samples; why the folder may not be used."""
    stored = stored_plan(root)
    key, fault = objection(root, table, stored, folder)
    if not fault:
        return stored, []
    name, line = found.source.origin(("testbed", key))
    return None, [f"{name}:{line}  {fault}" if line else fault]


def _base_written(
    found: Declared, written: Written, table: Testbed, folder: Path
) -> tuple[Path, Written]:
    """The base of the children: a file, or the other tables of the testbed file."""
    if table.base_config is not None:
        place = ("testbed", "base_config")
        base = folder_of(found.source, place, folder) / table.base_config
        return base, read_chain(base)
    layers = tuple(_without_testbed(layer) for layer in written.layers)
    own = replace(written, layers=layers, data=dict(found.base))
    return written.path, own


def _without_testbed(layer: Layer) -> Layer:
    own = ("testbed", "workflow")
    kept = {key: value for key, value in layer.data.items() if key.partition("__")[0] not in own}
    return replace(layer, data=kept)


def _twins(cases: Iterable[PlannedCase]) -> Iterator[str]:
    """A notice for cases that are the same computation."""
    same: dict[str, list[str]] = defaultdict(list)
    for planned in cases:
        same[planned.child_digest].append(planned.case.id)
    for names in same.values():
        if len(names) > 1:
            yield f"cases {_named(names)} are the same computation"


def _named(names: Sequence[str]) -> str:
    """`'a' and 'b'`; the first few of many."""
    shown = [repr(name) for name in names[:TOLD]]
    if len(names) > TOLD:
        return f"{', '.join(shown)} and {len(names) - TOLD} more"
    return f"{', '.join(shown[:-1])} and {shown[-1]}"


def _told(cases: Iterable[PlannedCase]) -> Iterator[str]:
    """The faults of all cases, in order; of one that many share the first few and the count."""
    counted: Counter[str] = Counter()
    for planned in cases:
        for fault in planned.faults:
            text = fault.replace(f"case {planned.case.id!r}: ", "", 1)
            counted[text] += 1
            if counted[text] <= TOLD:
                yield fault
    for text, number in counted.items():
        if number > TOLD:
            yield f"{text} ({number - TOLD} more cases)"


def _error(path: Path, faults: Sequence[str]) -> ConfigError:
    count = "1 fault" if len(faults) == 1 else f"{len(faults)} faults"
    return ConfigError("\n  ".join([f"{path}: {count}", *faults]))


def _metrics(table: Testbed) -> list[dict[str, Any]]:
    """The declared metrics, each with its source."""
    return [
        {**metric, "source": metric["source"] or metric["name"]}
        for metric in table.document()["metric"]
    ]


def _case_document(planned: PlannedCase) -> dict[str, Any]:
    case = planned.case
    return {
        "case_id": case.id,
        "case_label": case.label,
        "axis": case.axis,
        "axis_value": case.axis_value,
        "axis_unit": case.axis_unit,
        "enabled": case.enabled,
        "status": "planned" if case.enabled else "disabled",
        "config_path": planned.config_path,
        "design": case.design,
        "coordinates": dict(case.coordinates),
        "child_digest": planned.child_digest,
        "case_digest": planned.case_digest,
        "digest_parts": dict(planned.parts),
        "isolation": dict(planned.isolation),
        "fault": "; ".join(" ".join(fault.split()) for fault in planned.faults),
    }
