"""Rows of a catalog as cases: every rule over every row that the catalog keeps."""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from mhx.config.faults import dotted
from mhx.config.lines import Place
from mhx.testbed.config import Catalog, CatalogRule, Value
from mhx.testbed.declaration.faults import known
from mhx.testbed.declaration.rules import exists, value_fault
from mhx.testbed.matrix import Case
from mhx.testbed.sources.axes import folder_of
from mhx.testbed.sources.catalog import Capped, Filter, Row, Rows, blank, read, truth, written
from mhx.testbed.sources.making import Making
from mhx.testbed.sources.templates import (
    Fields,
    TemplateError,
    check,
    fill,
    fill_all,
    fill_text,
    texts,
)

OLDER_FIELDS = {"case_id": "variant_id", "case_label": "variant_label"}
"""Older names of fields, read where today's are the declared ones and absent."""
_TEMPLATES = ("id_template", "label_template", "axis_template", "value_template")
_PLACE = ("testbed", "catalog")


def from_catalog(making: Making) -> Mapping[str, Any] | None:
    """Make the cases of every rule; the record of the catalog for the plan, None without one."""
    catalog = making.arrays.table.catalog
    if catalog is None:
        return None
    place = (*_PLACE, "path")
    folder = folder_of(making.faults.source, place, making.arrays.folder)
    rows = None
    if exists(catalog.path, folder, place, making.faults):
        rows = read(folder / catalog.path, catalog, making.faults)
    if rows is None:
        making.complete = False
        return None
    making.complete &= rows.whole
    catalog = _with_older_fields(catalog, rows, making)
    record = {
        **catalog.model_dump(mode="json", exclude_none=True),
        "path": Path(os.path.relpath(folder / catalog.path, making.arrays.folder)).as_posix(),
        "sha256": rows.sha256,
        "rows": len(rows.rows),
    }
    kept = Filter("testbed.catalog", catalog, catalog)
    found = _filtered(kept, rows, _PLACE, rows.rows, making)
    rules = []
    for at, rule in making.arrays.items("case_from_catalog"):
        own = Filter(f"case_from_catalog[{at[2]}]", rule, catalog)
        of_rule = _filtered(own, rows, at, found, making)
        _Rule(making, rows, catalog, at, rule).cases(of_rule)
        rules.append(own)
    dropped = [text for one in (kept, *rules) for text in one.told()]
    making.emptied.append(", ".join([f"{rows.name} has {len(rows.rows)} rows", *dropped]))
    return {**record, **kept.counts(), "rules": [rule.counts() for rule in rules]}


def _with_older_fields(catalog: Catalog, rows: Rows, making: Making) -> Catalog:
    """The catalog, reading older names of its fields where the file has them instead."""
    found = {}
    for key in ("id_field", "label_field"):
        name = getattr(catalog, key)
        older = OLDER_FIELDS.get(name)
        if older in rows.fields and name in rows.fields:
            making.faults.other(
                rows.name, 1, f"fields {older!r} and {name!r} are two spellings; keep {name!r}"
            )
        elif older in rows.fields:
            found[key] = older
            making.notices.append(f"{rows.name}: field {older!r} is an older spelling of {name!r}")
    return catalog.model_copy(update=found)


def _filtered(
    one: Filter, rows: Rows, place: Place, some: tuple[Row, ...], making: Making
) -> tuple[Row, ...]:
    """The rows that pass, each with its required fields; the others are faults."""
    for text in one.unknown(rows.fields):
        making.complete = False
        lead = "" if place == _PLACE else f"{one.key} "
        at = (*place, "field_equals")
        if lead:
            making.faults.say(at, f"{lead}field_equals: {text}")
        else:
            making.faults.key(at, f": {text}")
    tell = Capped(rows.name, making.faults)
    found = []
    for row in one.rows(some):
        if missing := one.missing(row):
            making.complete = False
            tell(row.line, f"required fields missing or blank: {', '.join(missing)}")
        else:
            found.append(row)
    tell.end()
    return tuple(found)


class _Rule:
    """One `[[testbed.case_from_catalog]]` over the rows of a catalog."""

    def __init__(
        self, making: Making, rows: Rows, catalog: Catalog, place: Place, rule: CatalogRule
    ) -> None:
        self.making = making
        self.rows = rows
        self.catalog = catalog
        self.place = place
        self.rule = rule
        self.name = f"case_from_catalog[{place[2]}]"

    def cases(self, rows: tuple[Row, ...]) -> None:
        """Make the case of each row; nothing when a template asks for a field that no row has."""
        if not self._can_be_filled():
            self.making.complete = False
            return
        tell = Capped(self.rows.name, self.making.faults)
        for row in rows:
            try:
                case, text = self._case(row)
            except TemplateError as error:
                self.making.complete = False
                tell(row.line, str(error))
                continue
            if text:
                tell(row.line, text)
            self.making.add(case, (self.rows.name, row.line))
        tell.end()

    def _can_be_filled(self) -> bool:
        count = len(self.making.faults)
        fields = dict.fromkeys(self.rows.fields)
        for key, template in self._all_templates():
            try:
                check(template, fields)
            except TemplateError as error:
                self.making.faults.say((*self.place, *key), f"{self.name} {dotted(key)}: {error}")
        name = self.catalog.id_field
        if self.rule.id_template is None and name not in fields:
            self.making.faults.key(
                (*_PLACE, "id_field"),
                f": no field {name!r} in {self.rows.name}{known(name, self.rows.fields)}",
            )
        return len(self.making.faults) == count

    def _all_templates(self) -> Iterator[tuple[Place, str]]:
        for key in _TEMPLATES:
            if template := getattr(self.rule, key):
                yield (key,), template
        if isinstance(self.rule.overlay, Mapping):
            for place, text in texts(self.rule.overlay):
                yield ("overlay", *place), text

    def _case(self, row: Row) -> tuple[Case, str]:
        """The case of a row, and what is wrong with its value."""
        fields = self.rows.filling(row)
        rule, catalog = self.rule, self.catalog
        enabled = truth(row.values.get(catalog.enabled_field, True))
        if enabled is None:
            raise TemplateError(
                f"{catalog.enabled_field} must be true or false, yes or no, y or n, on or off, "
                f"1 or 0, got {row.values[catalog.enabled_field]!r}"
            )
        case = self.making.new(
            self._text("id_template", catalog.id_field, fields),
            self._text("label_template", catalog.label_field, fields),
            self.place,
            enabled=rule.enabled and enabled,
            axis=self._text("axis_template", catalog.axis_field, fields).strip(),
            overlays=self.making.overlay((*self.place, "overlay"), self._overlay(fields)),
        )
        value = self._value(fields)
        making, axis = self.making, case.axis or None
        text = value_fault(axis, value, making.axes)
        if text and not making.arrays.unsure(axis, making.axes, making.faults):
            return case, f"case {case.id!r}: {text}"
        return making.valued(case, value, (*self.place, "value_template")), ""

    def _text(self, key: str, field: str, fields: Fields) -> str:
        template = getattr(self.rule, key)
        if template is None:
            value = fields.values.get(field)
            return "" if blank(value) else written(value)
        return str(self._filled(key, fill_text, template, fields))

    def _value(self, fields: Fields) -> Value | None:
        if self.rule.value_template is None:
            return None
        value = self._filled("value_template", fill, self.rule.value_template, fields)
        if not isinstance(value, bool | int | float | str):
            raise TemplateError(f"{self.name} value_template: {written(value)} is no single value")
        return None if blank(value) else value

    def _overlay(self, fields: Fields) -> Any:
        try:
            return fill_all(self.rule.overlay, fields)
        except TemplateError:
            for place, template in texts(self.rule.overlay):  # to say which one it was
                self._filled(dotted(("overlay", *place)), fill, template, fields)
            raise

    def _filled(self, key: str, how: Any, template: str, fields: Fields) -> Any:
        try:
            return how(template, fields)
        except TemplateError as error:
            raise TemplateError(f"{self.name} {key}: {error}") from None
