"""What must hold between the tables of a testbed, and within each beyond types and limits.

Every rule looks at declarations alone; no case is made.  Faults are sentences that name a table as
the user does: `axis 'K': ...`, `case 'low_k': ...`.  Designs are judged in `design_rules`, metrics
and checks in `questions`.
"""

import datetime
import math
import re
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mhx.config.lines import Place
from mhx.testbed.config import Axis, Value
from mhx.testbed.declaration.arrays import Arrays, declared_twice
from mhx.testbed.declaration.faults import Faults, known
from mhx.testbed.declaration.questions import check_rules, metric_rules
from mhx.testbed.matrix import same, shown
from mhx.testbed.sources.axes import Levels, folder_of
from mhx.testbed.sources.design_rules import design_rules
from mhx.workflow import registry
from mhx.workflow.registry import Registration

BASE_IS_REQUIRED = ("flow", "transport", "reconnection")
"""Subjects for which a case is always an overlay on a base."""
_DOTTED = re.compile(r"[^.\s]+(\.[^.\s]+)*")


def relations(arrays: Arrays, faults: Faults) -> Registration | None:
    """Tell every fault that the declarations show without making a case; the row of the pair."""
    row = pair(arrays, faults)
    _base(arrays, faults)
    axes = arrays.axes(faults)
    axis_rules(arrays, row, faults)
    case_rules(arrays, axes, row, faults)
    design_rules(arrays, axes, faults)
    metric_rules(arrays, row, faults)
    check_rules(arrays, axes, faults)
    return row


def pair(arrays: Arrays, faults: Faults) -> Registration | None:
    """The row of the registry for subject and runner, or None with the fault told."""
    table = arrays.table
    rows = [row for row in registry.rows() if row.subject and row.runner]
    subjects = list(dict.fromkeys(row.subject or "" for row in rows))
    runners = list(dict.fromkeys(row.runner or "" for row in rows))
    at: Place = ("testbed", "subject")
    if table.subject not in subjects:
        faults.key(at, f"is {table.subject!r}{known(table.subject, subjects)}")
    if table.runner.type not in runners:
        place = ("testbed", "runner", "type")
        faults.key(place, f"is {table.runner.type!r}{known(table.runner.type, runners)}")
    fitting = [row for row in rows if row.subject == table.subject]
    for row in fitting:
        if row.runner == table.runner.type:
            return row
    if fitting and table.runner.type in runners:
        names = ", ".join(row.runner or "" for row in fitting)
        faults.say(
            at,
            f"testbed.subject {table.subject!r} does not run with {table.runner.type!r}; "
            f"it runs with: {names}",
        )
    return None


def _base(arrays: Arrays, faults: Faults) -> None:
    table = arrays.table
    place: Place = ("testbed", "base_config")
    if table.base_config is not None:
        folder = folder_of(faults.source, place, arrays.folder)
        exists(table.base_config, folder, place, faults)
    elif table.subject in BASE_IS_REQUIRED:
        faults.key(
            place, f"is required for subject {table.subject!r}: every case is an overlay on it"
        )
    for number, other in enumerate(table.reuse.sources):
        place = ("testbed", "reuse", "from", number)
        exists(other, folder_of(faults.source, place, arrays.folder), place, faults)


def exists(path: Path, folder: Path, place: Place, faults: Faults) -> bool:
    """False, with the fault told, for an input of the testbed that is not there.

    All are files, but for the folders of `reuse.from`.
    """
    is_folder = "reuse" in place
    if (folder / path).is_dir() if is_folder else (folder / path).is_file():
        return True
    written = path.relative_to(folder) if path.is_relative_to(folder) else path
    name, _ = faults.source.origin(place)
    beside = "" if written.is_absolute() else f" in the folder of {Path(name).name}"
    what = "folder" if is_folder else "file"
    faults.key(place, f": no {what} {written.as_posix()!r}{beside}")
    return False


def axis_rules(arrays: Arrays, row: Registration | None, faults: Faults) -> None:
    """Values, levels, ranges and keys of the axes."""
    named = [((*place, "id"), axis.id) for place, axis in arrays.items("axis")]
    declared_twice("axis", named, faults)
    for place, axis in arrays.items("axis"):
        for text in axis_faults(axis):
            faults.say(place, f"axis {axis.id!r}: {text}")
        levels = [((*place, "level", n), level) for n, level in enumerate(axis.level)]
        for at, level in levels:
            who = f"axis {axis.id!r}, level {level.id!r}"
            overlay_rules((*at, "overlay"), who, level.overlay, row, faults)
        names = [((*at, "id"), level.id) for at, level in levels]
        declared_twice(f"axis {axis.id!r}: level", names, faults, fold=True)


def axis_faults(axis: Axis) -> list[str]:
    """What is wrong with one axis by itself."""
    return [*_values(axis), *_range(axis), *_keys(axis), *_order(axis)]


def _values(axis: Axis) -> list[str]:
    """What is wrong with the values and names of an axis."""
    values, names = axis.values or (), axis.names or ()
    found = []
    if axis.values is not None and axis.level:
        found.append("values and level exclude each other")
    if len({is_number(value) for value in values}) > 1:
        found.append("values must be all numbers, or all text and truth values")
    counted = Counter((isinstance(value, bool), value) for value in values)
    found += [f"value {shown(value)} stands twice" for (_, value), n in counted.items() if n > 1]
    if axis.names is not None and len(names) != len(values):
        found.append(f"names must be as many as values, {len(values)}, got {len(names)}")
    if len({name.casefold() for name in names}) < len(names):
        found.append("two names are equal; upper and lower case are equal")
    return found


def _range(axis: Axis) -> list[str]:
    low, high = axis.low, axis.high
    if low is None and high is None:
        unused = axis.model_fields_set & {"distribution", "integer"}
        return [f"{name} needs low and high" for name in sorted(unused)]
    if low is None or high is None:
        return [f"{'low' if low is None else 'high'} is missing: a range has both ends"]
    found = []
    if not low < high:
        found.append(f"low must be < high, got {low!r} and {high!r}")
    if not math.isfinite(high - low):
        found.append(f"high - low must be finite, got {low!r} and {high!r}")
    if axis.distribution == "loguniform" and not low > 0:
        found.append(f"distribution 'loguniform' needs low > 0, got {low!r}")
    if axis.integer and math.ceil(low) > math.floor(high):
        found.append(f"no whole number lies between low {low!r} and high {high!r}")
    return found


def _keys(axis: Axis) -> list[str]:
    found = [f"{key!r} is no dotted key" for key in axis.keys if not _DOTTED.fullmatch(key)]
    for number, key in enumerate(axis.keys):
        above = [k for k in axis.keys[:number] if f"{k}.".startswith(f"{key}.") or inside(key, k)]
        found += [f"keys {other!r} and {key!r} set the same" for other in above]
        if key in ("workflow", "workflow.mode") or inside(key, "testbed") or key == "testbed":
            found.append(f"keys may not set {key}")
    return found


def _order(axis: Axis) -> list[str]:
    """What is wrong with reference, scale and refinement, all of which need levels in order."""
    values = [level.value for level in axis.level] if axis.level else list(axis.values or ())
    names = [level.id for level in axis.level] if axis.level else list(axis.names or ())
    found = []
    wanted = axis.reference
    if wanted is not None and (values or names):
        known_ones = [*(value for value in values if value is not None), *names]
        if not any(same(wanted, one) for one in known_ones):
            listed = ", ".join(map(shown, known_ones))
            found.append(f"reference {shown(wanted)} is none of its values and names: {listed}")
    numbers = all(_is_positive(value) for value in values)
    if axis.refines and not numbers:
        found.append(f"refines = {_quoted(axis.refines)} needs values > 0")
    if axis.scale == "log" and not (numbers and (axis.low is None or axis.low > 0)):
        found.append('scale = "log" needs values > 0')
    return found


def case_rules(
    arrays: Arrays, axes: Mapping[str, Levels], row: Registration | None, faults: Faults
) -> None:
    """Values of the cases that are listed by hand, and overlays of all that makes cases."""
    for place, case in arrays.items("case"):
        who = f"case {case.id!r}"
        overlay_rules((*place, "overlay"), who, case.overlay, row, faults)
        text = value_fault(case.axis, case.value, axes)
        if text and not arrays.unsure(case.axis, axes, faults):
            faults.say((*place, "value"), f"{who}: {text}")
    for place, rule in arrays.items("case_from_catalog"):
        who = f"case_from_catalog[{place[2]}]"
        overlay_rules((*place, "overlay"), who, rule.overlay, row, faults)
    for place, design in arrays.items("design"):
        overlay_rules((*place, "overlay"), f"design {design.id!r}", design.overlay, row, faults)
    given, rules = arrays.table.catalog is not None, bool(arrays.table.case_from_catalog)
    if rules and not given and not faults.muted(("testbed", "catalog")):
        faults.key(("testbed", "case_from_catalog"), "needs [testbed.catalog]")
    if given and not rules and not (arrays.numbers or {}).get("case_from_catalog"):
        faults.key(("testbed", "catalog"), "makes no case without [[testbed.case_from_catalog]]")


def value_fault(axis: str | None, value: Value | None, axes: Mapping[str, Levels]) -> str:
    """Why a case of this axis or tag cannot have a value, or nothing."""
    if value is None:
        return ""
    if axis is None or axis not in axes:
        found = "the case names none" if axis is None else f"{axis!r} is only a tag"
        return f"value needs a declared axis; {found}"
    levels = axes[axis]
    if levels.find(value) is not None or not levels.steps:
        return ""
    if levels.axis.level:
        names = [step.name for step in levels.steps]
        return f"axis {axis!r} has no level {value!r}{known(str(value), names)}"
    if is_number(levels.steps[0].value) and not is_number(value):
        return f"value {value!r} is neither a number nor a name of axis {axis!r}"
    return ""


def overlay_rules(
    place: Place, who: str, overlay: Any, row: Registration | None, faults: Faults
) -> None:
    """An overlay is a table and leaves alone what the pair fixes."""
    if not isinstance(overlay, Mapping):
        faults.say(place, f"{who}: overlay must be a table, got {_a_kind(overlay)}")
        return
    for key in overlay:
        name = key.partition("__")[0]
        workflow = overlay[key]
        if name == "testbed":
            faults.say(
                (*place, key),
                f"{who}: overlay may not set testbed; a testbed is never a child of a testbed",
            )
        if name != "workflow":
            continue
        words = workflow if isinstance(workflow, Mapping) else ("mode",)
        modes = [word for word in words if word.partition("__")[0] == "mode"]
        if modes or key != name:
            fixed = f"({row.subject}, {row.runner})" if row else "of subject and runner"
            faults.say(
                (*place, key, *modes[:1]),
                f"{who}: overlay may not set workflow.mode; the pair {fixed} fixes it",
            )


def inside(key: str, prefix: str) -> bool:
    """True for a dotted key at or under another."""
    return key == prefix or key.startswith(f"{prefix}.")


def is_number(value: Any) -> bool:
    """True for numbers, truth values excepted."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_positive(value: Any) -> bool:
    return is_number(value) and value > 0


def _quoted(text: str) -> str:
    return f'"{text}"'


def _a_kind(value: Any) -> str:
    """What a value is, in words."""
    kinds: tuple[tuple[Any, str], ...] = (
        (bool, "a truth value"),
        (str, "a string"),
        ((int, float), "a number"),
        ((list, tuple), "a list"),
        ((datetime.date, datetime.time), "a date or time"),
    )
    return next((words for kind, words in kinds if isinstance(value, kind)), "nothing")
