"""What a case is: an id, a place on axes, and the overlays that make its child.

The overlays of a case are laid over the base one after another: that of its design, those of its
axis values, its own.  An overlay made from dotted keys (`keyed`) may step into arrays of tables by
`id`; which of its tables are such arrays only the base can tell.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mhx.config import Source
from mhx.config.lines import Place
from mhx.testbed.config import Value

SEED = "seed"
"""Name of the coordinate of a `seeds` design."""
_UNSAFE = re.compile(r"[^A-Za-z0-9_.-]")


@dataclass(frozen=True, kw_only=True)
class Overlay:
    """One layer of a case.

    place: where it stands in the testbed file.  folder: its relative paths count from here.
    keyed: made from dotted keys, whose steps into arrays of tables are ids.
    """

    data: Mapping[str, Any]
    place: Place
    folder: Path
    source: Source
    keyed: bool = False


@dataclass(frozen=True, kw_only=True)
class Case:
    """One case, before its child is made.

    axis: a declared axis, a tag, or the axes of a design; axis_value: None where there is none or
    where only the child knows it.  changes: dotted prefixes that the case is meant to change; None
    when nothing declares any.  place: the table that declares the case.
    """

    id: str
    label: str
    slug: str
    place: Place
    enabled: bool = True
    axis: str = ""
    axis_value: Value | None = None
    axis_unit: str = ""
    design: str = ""
    coordinates: Mapping[str, Value] = field(default_factory=dict)
    changes: tuple[str, ...] | None = None
    overlays: tuple[Overlay, ...] = ()


@dataclass(frozen=True, kw_only=True)
class CaseList:
    """All cases of a testbed in order, or what is wrong with them.

    faults: "k.toml:12  text".  catalog: the record of the catalog for the plan.  designs: as
    declared, with every sampled point and seed.
    """

    cases: tuple[Case, ...]
    notices: tuple[str, ...]
    faults: tuple[str, ...]
    catalog: Mapping[str, Any] | None
    designs: tuple[Mapping[str, Any], ...]


def slug(case_id: str) -> str:
    """The id as a file name: letters, digits, `_`, `.` and `-`; never empty."""
    return _UNSAFE.sub("_", case_id).strip("._-") or "case"


def nested(keys: Iterable[str], value: Any) -> dict[str, Any]:
    """A table that sets each of the dotted keys to the value."""
    table: dict[str, Any] = {}
    for key in keys:
        *above, last = key.split(".")
        at = table
        for part in above:
            at = at.setdefault(part, {})
        at[last] = value
    return table


def shown(value: Any) -> str:
    """A value in an id: as short as it can be and still be the value."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return repr(value).removesuffix(".0") if isinstance(value, float) else str(value)


def same(one: Any, other: Any) -> bool:
    """Equal values; true is not 1, but 1.0 is."""
    return isinstance(one, bool) == isinstance(other, bool) and bool(one == other)
