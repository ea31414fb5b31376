"""The cases of a testbed: listed by hand, then from the catalog, then made by designs.

Everything a case is follows from the tables and the catalog, never from a child; only the value
that a hand-listed case leaves to its child is read there, by whoever makes the child.
"""

from collections.abc import Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from mhx.config import Source
from mhx.config.lines import Place
from mhx.testbed.config import Axis, Design, Testbed
from mhx.testbed.declaration.arrays import Arrays, times
from mhx.testbed.declaration.faults import Faults, near, where
from mhx.testbed.declaration.rules import axis_faults, relations
from mhx.testbed.design import SAMPLED, Point, Was, drawn, size
from mhx.testbed.matrix import SEED, Case, CaseList, Overlay, shown, slug
from mhx.testbed.sources.axes import Levels
from mhx.testbed.sources.catalog_cases import from_catalog
from mhx.testbed.sources.design_rules import sound
from mhx.testbed.sources.making import Making
from mhx.testbed.sources.templates import Fields, TemplateError, fill_text

__all__ = ["Case", "CaseList", "Overlay", "case_list", "judge", "slug"]
NONE = (
    "no case is declared; add [[testbed.case]], [[testbed.case_from_catalog]] or [[testbed.design]]"
)
_SOURCES = ("case", "case_from_catalog", "design")


def case_list(
    table: Testbed, source: Source, folder: Path, stored: Mapping[str, Any] | None = None
) -> CaseList:
    """Every case of a testbed in order, with every fault of its tables and of the catalog.

    Args:
        source: where the tables were written; folder: from which its relative paths count.
        stored: a plan that exists, whose `designs` are read back instead of drawn again.

    Raises:
        EngineMissing: a design has to draw points, and SciPy is not installed.
    """
    faults = Faults(source)
    arrays = Arrays(table, folder)
    row = relations(arrays, faults)
    if len(faults):
        judge(arrays, faults)
        return CaseList(cases=(), notices=(), faults=faults.lines(), catalog=None, designs=())
    making = Making(arrays, faults)
    _by_hand(making)
    catalog = from_catalog(making)
    records = _records(stored or {})
    designs = []
    for place, design in arrays.items("design"):
        if _fits(making, place, design):
            was = Was(record=records.get(design.id, {}), extra=row.extra if row else "")
            designs.append(_from_design(making, place, design, was))
    _judge_all(making)
    return CaseList(
        cases=tuple(making.cases),
        notices=tuple(making.notices),
        faults=faults.lines(),
        catalog=catalog,
        designs=tuple(designs),
    )


def _records(stored: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """What a plan holds of its designs, by id; what has another shape is passed over."""
    designs = stored.get("designs")
    found = designs if isinstance(designs, list | tuple) else ()
    return {str(one.get("id")): one for one in found if isinstance(one, Mapping)}


def judge(arrays: Arrays, faults: Faults) -> None:
    """Tell what is wrong with the cases of tables that have faults already; draw nothing."""
    making = Making(arrays, faults, complete=not faults.any_muted(("testbed",)))
    _by_hand(making)
    from_catalog(making)
    broken = {axis.id for _, axis in arrays.items("axis") if axis_faults(axis)}
    for place, design in arrays.items("design"):
        unsure = any(arrays.unsure(name, making.axes, faults) for name in design.axes)
        whole = not (unsure or broken & set(design.axes) or faults.muted(place))
        ready = whole and sound(design, making.axes) and _fits(making, place, design)
        if ready and design.kind not in SAMPLED:
            _from_design(making, place, design, Was(record={}))
        else:
            making.complete = False
    _judge_all(making)


def _judge_all(making: Making) -> None:
    _judge_ids(making)
    _judge_count(making)
    if making.complete:
        _judge_checks(making)


def _by_hand(making: Making) -> None:
    for place, one in making.arrays.items("case"):
        case = making.new(
            one.id,
            one.label,
            place,
            enabled=one.enabled,
            axis=one.axis or "",
            changes=one.changes,
            overlays=making.overlay((*place, "overlay"), one.overlay),
        )
        case = making.valued(case, one.value, (*place, "value"))
        making.add(case, making.faults.source.origin((*place, "id")))


def _fits(making: Making, place: Place, design: Design) -> bool:
    """False, with the fault told, for a design of more cases than `max_cases`."""
    count = size(design, _axes(making, design))
    most = making.arrays.table.max_cases
    if count > most:
        making.complete = False
        making.faults.say(
            place, f"the design {design.id!r} makes {count} cases; testbed.max_cases is {most}"
        )
    return count <= most


def _axes(making: Making, design: Design) -> list[Levels]:
    return [making.axes[name] for name in design.axes]


def _from_design(making: Making, place: Place, design: Design, was: Was) -> Mapping[str, Any]:
    """Make the cases of a design; its record for the plan."""
    streams = Levels(
        axis=Axis(id=SEED, keys=(design.key,) if design.key else ()),
        place=place,
        source=making.faults.source,
        folder=making.arrays.folder,
    )
    axes = _axes(making, design)
    result = drawn(design, axes, streams, was)
    making.notices += result.notices
    if not result.points:
        making.emptied.append(f"the design {design.id!r} excludes all that it makes")
    keys = [key for levels in (*axes, streams) for key in levels.axis.keys]
    common: dict[str, Any] = {
        "enabled": design.enabled,
        "design": design.id,
        "changes": tuple(dict.fromkeys(keys)) or None,
    }
    below = making.overlay((*place, "overlay"), design.overlay)
    units = {levels.axis.id: levels.axis.unit for levels in axes}
    origin = making.faults.source.origin(place)
    for index, point in enumerate(result.points):
        try:
            name, label = _names(design, index, point)
        except TemplateError as error:
            making.complete = False
            making.faults.say(place, f"design {design.id!r}: {error}")
            break
        only = point.axes[0] if len(point.axes) == 1 else ""
        case = making.new(
            name,
            label,
            place,
            axis=", ".join(point.axes),
            axis_value=point.coordinates[only] if only else None,
            axis_unit=units.get(only, ""),
            coordinates=point.coordinates,
            overlays=(*below, *point.overlays),
            **common,
        )
        making.add(case, origin)
    return result.record


def _names(design: Design, index: int, point: Point) -> tuple[str, str]:
    """Id and label of a point: by the templates, else by its levels or, where sampled, number."""
    values = {"design": design.id, "index": index, **point.names}
    fields = Fields(values, lambda value: value, shown)
    if design.id_template is not None:
        name = fill_text(design.id_template, fields)
    elif design.kind in SAMPLED:
        name = f"{design.id}_{index:04d}"
    else:
        name = "_".join([design.id, *map(shown, point.names.values())])
    label = "" if design.label_template is None else fill_text(design.label_template, fields)
    return name, label


def _judge_ids(making: Making) -> None:
    """Ids differ without regard to case, and so do the names of the files of the children."""
    ids: dict[str, list[int]] = {}
    for number, case in enumerate(making.cases):
        ids.setdefault(case.id.casefold(), []).append(number)
    slugs: dict[str, Case] = {}
    for numbers in ids.values():
        first = making.cases[numbers[0]]
        if len(numbers) > 1:
            last = making.cases[numbers[1]]
            at = where(making.origins[number] for number in numbers[:5])
            _tell(
                making,
                numbers[1],
                f"case id {last.id!r} is used {times(len(numbers))} "
                f"({at}; upper and lower case are equal)",
            )
        other = slugs.setdefault(first.slug.casefold(), first)
        if other is not first:
            _tell(
                making,
                numbers[0],
                f"cases {other.id!r} and {first.id!r} would share "
                f"_generated_configs/{other.slug}.toml; rename one",
            )


def _tell(making: Making, number: int, text: str) -> None:
    """A fault of a case, said where the case was declared."""
    case, (name, line) = making.cases[number], making.origins[number]
    at = (*case.place, "id")
    if making.faults.source.origin(at) == (name, line):
        making.faults.say(at, text)
    else:
        making.faults.other(name, line or 0, text)


def _judge_count(making: Making) -> None:
    """There are cases, and not too many."""
    table, count = making.arrays.table, len(making.cases)
    if not any(getattr(table, name) for name in _SOURCES) and table.catalog is None:
        if making.complete:
            making.faults.say(("testbed",), NONE)
    elif not count and making.complete:
        making.faults.say(("testbed",), f"no case is left: {'; '.join(making.emptied)}")
    if count > table.max_cases:
        making.faults.say(
            ("testbed", "max_cases"),
            f"{count} cases are declared; testbed.max_cases is {table.max_cases}",
        )


def _judge_checks(making: Making) -> None:
    """The cases that checks name are there."""
    names = {case.id: None for case in making.cases}
    for place, check in making.arrays.items("check"):
        who = f"check {check.id!r}"
        if check.reference is not None and check.reference not in names:
            text = f"reference {check.reference!r} is no case{near(check.reference, names)}"
            making.faults.say((*place, "reference"), f"{who}: {text}")
        for glob in check.cases or ():
            if not any(fnmatchcase(name, glob) for name in names):
                making.faults.say((*place, "cases"), f"{who}: no case is called {glob!r}")
