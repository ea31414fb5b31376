"""Cases while they are made: what hand-listed cases, catalog rows and designs have in common."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from mhx.config.lines import Place
from mhx.testbed.config import LONGEST_NAME, Value
from mhx.testbed.declaration.arrays import Arrays
from mhx.testbed.declaration.faults import Faults
from mhx.testbed.matrix import Case, Overlay, slug
from mhx.testbed.sources.axes import Levels, folder_of, writes

Origin = tuple[str, int | None]


@dataclass
class Making:
    """The cases of one testbed, in order, and what is to be said of them.

    origins: file and line of each case.  emptied: why a declaration made no case.
    complete: False once a declaration was passed over for its faults.
    overridden: overlays that set what the value of their case sets; each is noticed once.
    """

    arrays: Arrays
    faults: Faults
    cases: list[Case] = field(default_factory=list)
    origins: list[Origin] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)
    emptied: list[str] = field(default_factory=list)
    complete: bool = True
    overridden: set[Place] = field(default_factory=set)

    @cached_property
    def axes(self) -> Mapping[str, Levels]:
        """The declared axes by id."""
        return self.arrays.axes(self.faults)

    def add(self, case: Case, origin: Origin) -> None:
        """Take a case in, unless its id is no name."""
        if case.id and case.id.isprintable() and len(case.id) <= LONGEST_NAME:
            self.cases.append(case)
            self.origins.append(origin)
            return
        self.complete = False
        wrong = f"must be at most {LONGEST_NAME} printable characters" if case.id else "is empty"
        self.faults.other(*origin, f"case id {case.id!r} {wrong}")

    def new(self, case_id: str, label: str, place: Place, **known: Any) -> Case:
        """A case by its id; without a label it is called by it."""
        case_id = case_id.strip()
        label = label.strip() or case_id
        return Case(id=case_id, label=label, slug=slug(case_id), place=place, **known)

    def valued(self, case: Case, value: Value | None, place: Place) -> Case:
        """A case on the axis it names: value, unit, what sets it, what the case may change.

        place: where the value stands in the testbed file.
        """
        levels = self.axes.get(case.axis)
        if levels is None:
            return case
        keys = levels.axis.keys
        if value is None:
            changes = case.changes if case.changes is not None else keys or None
            return replace(case, axis_unit=levels.axis.unit, changes=changes)
        number = levels.find(value)
        step = None if number is None else levels.steps[number]
        value = value if step is None else step.value
        set_by = step.overlays if step and levels.axis.level else levels.set_to(value, place)
        self._notice_overrides(case, keys)
        return replace(
            case,
            axis_value=value,
            axis_unit=levels.axis.unit,
            coordinates={levels.axis.id: value},
            changes=tuple(dict.fromkeys((*(case.changes or ()), *keys))) or case.changes,
            overlays=(*set_by, *case.overlays),
        )

    def _notice_overrides(self, case: Case, keys: Iterable[str]) -> None:
        """The own overlay of a case goes over its value, which then says something else."""
        for overlay in case.overlays:
            both = [key for key in keys if writes(overlay.data, key)]
            if both and overlay.place not in self.overridden:
                self.overridden.add(overlay.place)
                self.notices.append(
                    f"case {case.id!r}: its overlay sets {both[0]}, too, and goes over its value"
                )

    def overlay(self, place: Place, data: Any) -> tuple[Overlay, ...]:
        """An overlay that stands in the testbed file; none for one that says nothing."""
        if not (isinstance(data, Mapping) and data):
            return ()
        source = self.faults.source
        folder = folder_of(source, place, self.arrays.folder)
        return (Overlay(data=data, place=place, folder=folder, source=source),)
