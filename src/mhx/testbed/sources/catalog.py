"""Catalogs: files with one case, site or parameter set a line, as CSV or JSON lines.

A catalog is read as it is: a row is a mapping of fields, cells of CSV stay text until a template
asks for a value.  Filters drop rows in a fixed order (enabled, field_equals, tags, exclude_tags,
limit) and count what each drops.  Lines count from 1, the header of a CSV file is one of them.
"""

import csv
import hashlib
import io
import json
import math
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mhx.evidence.parsing import each_key_once
from mhx.testbed.config import Catalog, CatalogRule
from mhx.testbed.declaration.faults import Faults, known
from mhx.testbed.matrix import same
from mhx.testbed.sources.templates import Fields, TemplateError, typed

SUFFIXES = {".csv": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl"}
_TRUE, _FALSE = ("1", "true", "yes", "y", "on"), ("0", "false", "no", "n", "off", "")
_MOST = 20  # faults of one kind that are listed one by one


@dataclass(frozen=True)
class Row:
    """One line of a catalog."""

    line: int
    values: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Rows:
    """A catalog as read.

    name: of the file, for messages.  fields: in the order of the file.  cells: values are the text
    of CSV cells, not typed JSON.  whole: no line was passed over for its faults.
    """

    name: str
    fields: tuple[str, ...]
    rows: tuple[Row, ...]
    sha256: str
    cells: bool
    whole: bool

    def filling(self, row: Row) -> Fields:
        """What fills the templates of a row."""
        if self.cells:
            return Fields(row.values, typed, str)
        return Fields(row.values, _not_null, written)


def read(path: Path, catalog: Catalog, faults: Faults) -> Rows | None:
    """The rows of the file, path fields made absolute; None when it cannot be read at all."""
    place = ("testbed", "catalog")
    form = SUFFIXES.get(path.suffix.lower()) if catalog.format == "auto" else catalog.format
    if form is None:
        faults.key(
            (*place, "format"),
            f'is "auto", but {path.name!r} ends in none of {", ".join(SUFFIXES)}',
        )
        return None
    try:
        content = path.read_bytes()
        text = content.decode("utf-8-sig")
    except OSError as error:
        faults.key((*place, "path"), f": {path.name!r} cannot be read: {error.strerror}")
        return None
    except UnicodeDecodeError as error:
        faults.key((*place, "path"), f": {path.name!r} is not UTF-8 text (byte {error.start})")
        return None
    fields: dict[str, None] = {}
    tell = Capped(path.name, faults)
    found = list((_csv_rows if form == "csv" else _json_rows)(text, fields, tell))
    tell.end()
    if not fields and tell.count:
        return None
    if catalog.path_fields:
        folder = Path(os.path.abspath(path.parent))
        found = [Row(row.line, _placed(row.values, catalog.path_fields, folder)) for row in found]
    return Rows(
        name=path.name,
        fields=tuple(fields),
        rows=tuple(found),
        sha256=hashlib.sha256(content).hexdigest(),
        cells=form == "csv",
        whole=not tell.count,
    )


class Capped:
    """Faults of lines: the first few one by one, then how many more."""

    def __init__(self, name: str, faults: Faults) -> None:
        self.name = name
        self.faults = faults
        self.count = 0

    def __call__(self, line: int, text: str) -> None:
        self.count += 1
        if self.count <= _MOST:
            self.faults.other(self.name, line, text)

    def end(self) -> None:
        """Say how many were not listed."""
        if self.count > _MOST:
            self.faults.other(self.name, 0, f"{self.count - _MOST} more lines with faults")


Tell = Callable[[int, str], None]


def _csv_rows(text: str, fields: dict[str, None], tell: Tell) -> Iterator[Row]:
    """Rows of a CSV file; a cell that is missing at the end of a line is a missing field."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    header: list[str] | None = None
    start = 1
    try:
        for cells in reader:
            line, start = start, reader.line_num + 1
            if not any(cell.strip() for cell in cells):
                continue
            if header is None:
                header = [name.strip().strip("\ufeff\"'").strip() for name in cells]
                fields.update(dict.fromkeys(header))
                for name in sorted({name for name in header if header.count(name) > 1}):
                    tell(line, f"field {name!r} stands twice in the header")
            elif len(cells) > len(header):
                tell(line, f"has {len(cells)} cells, the header has {len(header)}")
            else:
                yield Row(line, dict(zip(header, (cell.strip() for cell in cells), strict=False)))
    except csv.Error as error:
        tell(start, f"not CSV: {error}")
    if header is None:
        tell(1, "has no header")


def _json_rows(text: str, fields: dict[str, None], tell: Tell) -> Iterator[Row]:
    """Rows of a file with one JSON object a line."""
    for line, content in enumerate(text.split("\n"), start=1):
        if not content.strip():
            continue
        try:
            values = json.loads(
                content,
                parse_constant=_no_number,
                parse_float=_finite,
                object_pairs_hook=each_key_once,
            )
        except (ValueError, RecursionError) as error:
            tell(line, f"not JSON: {error}")
            continue
        if not isinstance(values, dict):
            tell(line, "must be a JSON object")
            continue
        fields.update(dict.fromkeys(values))
        yield Row(line, values)


def _no_number(word: str) -> Any:
    raise ValueError(f"{word} is no number of JSON")


def _finite(word: str) -> float:
    number = float(word)
    if not math.isfinite(number):
        raise ValueError(f"{word} is too large a number")
    return number


def _placed(values: Mapping[str, Any], names: tuple[str, ...], folder: Path) -> dict[str, Any]:
    """The values of a row with its paths absolute; they count from the catalog's folder."""
    placed = dict(values)
    for name in names:
        if isinstance(values.get(name), str) and values[name]:
            placed[name] = (folder / values[name]).as_posix()
    return placed


def blank(value: Any) -> bool:
    """True for a field that holds nothing."""
    return value is None or (isinstance(value, str) and not value.strip())


def _not_null(value: Any) -> Any:
    if value is None:
        raise TemplateError("the field is null, for which a configuration has no word")
    return value


def written(value: Any) -> str:
    """A field as text: JSON's own words for what is no text."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def truth(value: Any) -> bool | None:
    """A truth value of a row; blank is false, None for what is none."""
    word = "" if value is None else written(value).strip().lower()
    return True if word in _TRUE else False if word in _FALSE else None


class Filter:
    """What a catalog or one of its rules keeps; counts what each of its keys drops.

    key: of the table, for messages: `testbed.catalog` or `case_from_catalog[0]`.
    """

    def __init__(self, key: str, table: Catalog | CatalogRule, catalog: Catalog) -> None:
        self.key = key
        self.table = table
        self.catalog = catalog
        self.dropped = dict.fromkeys(self._conditions(), 0)
        self.kept = 0

    def rows(self, rows: tuple[Row, ...]) -> tuple[Row, ...]:
        """The rows that pass, in order."""
        conditions = self._conditions()
        found: list[Row] = []
        for row in rows:
            failed = next((key for key, holds in conditions.items() if not holds(row.values)), None)
            if failed is None and self.table.limit is not None and len(found) >= self.table.limit:
                failed = "limit"
                self.dropped.setdefault(failed, 0)
            if failed is None:
                found.append(row)
            else:
                self.dropped[failed] += 1
        self.kept = len(found)
        return tuple(found)

    def counts(self) -> dict[str, Any]:
        """What the plan says of it."""
        return {"kept": self.kept, "dropped": dict(self.dropped)}

    def told(self) -> Iterator[str]:
        """`field_equals dropped 9`, for each key that dropped any."""
        lead = "" if self.table is self.catalog else f"{self.key}."
        for key, count in self.dropped.items():
            if count:
                yield f"{lead}{key} dropped {count}"

    def unknown(self, fields: tuple[str, ...]) -> Iterator[str]:
        """Names in `field_equals` that no row has; the filter would drop everything."""
        for name in self.table.field_equals:
            if name not in fields:
                yield f"no field {name!r}{known(name, fields)}"

    def missing(self, row: Row) -> list[str]:
        """Required fields that a row lacks."""
        return [name for name in self.table.required_fields if blank(row.values.get(name))]

    def _conditions(self) -> dict[str, Callable[[Mapping[str, Any]], bool]]:
        """Name of a filter -> what it asks of a row; only of those that ask for something."""
        table = self.table
        found: dict[str, Callable[[Mapping[str, Any]], bool]] = {}
        if table is self.catalog and not self.catalog.include_disabled:
            found["enabled"] = lambda row: (
                truth(row.get(self.catalog.enabled_field, True)) is not (False)
            )
        if table.field_equals:
            found["field_equals"] = self._equals
        if table.tags:
            found["tags"] = lambda row: set(table.tags) <= self._tags(row)
        if table.exclude_tags:
            found["exclude_tags"] = lambda row: not set(table.exclude_tags) & self._tags(row)
        return found

    def _equals(self, row: Mapping[str, Any]) -> bool:
        return all(_equal(row.get(name), value) for name, value in self.table.field_equals.items())

    def _tags(self, row: Mapping[str, Any]) -> set[str]:
        found = row.get(self.catalog.tags_field)
        separator = self.catalog.tag_separator
        words = found if isinstance(found, list) else written(found or "").split(separator)
        return {written(word).strip() for word in words} - {""}


def _equal(found: Any, wanted: Any) -> bool:
    """Equal as text without regard to case, or as the value that the text stands for."""
    if found is None:
        return False
    text = written(found).strip()
    if text.casefold() == written(wanted).strip().casefold():
        return True
    return not isinstance(wanted, str) and same(typed(text), wanted)
