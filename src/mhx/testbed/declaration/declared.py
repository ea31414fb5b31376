"""A testbed file as far as it can be judged table by table, older spellings included.

`declared` is the first thing that is done with the merged data of a file: it puts today's names in
the place of older ones, checks keys, types and limits, and gives the `Testbed`.  Where there are
faults it sets what is faulty aside and goes on to the relations between the tables, so that one
message names everything.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mhx.config import Source, faults_in
from mhx.config.faults import Told
from mhx.config.lines import Place
from mhx.testbed.cases import judge
from mhx.testbed.config import Testbed, TestbedFile
from mhx.testbed.declaration.arrays import Arrays
from mhx.testbed.declaration.faults import Faults
from mhx.testbed.declaration.rules import relations

OLDER = {
    "testbed_id": "id",
    "metrics": "metric",
    "variant": "case",
    "variants": "case",
    "variant_from_catalog": "case_from_catalog",
    "catalog_variant": "case_from_catalog",
}
"""Older spellings of keys of `[testbed]`, and today's."""
ARRAYS = ("axis", "case", "case_from_catalog", "design", "metric", "check")
_OWN = ("workflow", "testbed", "base_config")
_ROUNDS = 5  # each sets aside what the one before found; a fault seldom hides another one


@dataclass(frozen=True)
class Respelt(Source):
    """A source whose keys have newer names in the data than in the file."""

    inner: Source = field(kw_only=True)
    older: Mapping[str, str] = field(kw_only=True)

    def line(self, place: Place) -> int | None:
        """The line of a key, or of the nearest table above it that is written in the file."""
        return self.inner.line(self._written(place))

    def origin(self, place: Place) -> tuple[str, int | None]:
        """The file in which the value at `place` was written, and its line where there is one."""
        return self.inner.origin(self._written(place))

    def flag(self, place: Place) -> str | None:
        """The flag that the value came from, if it came from one."""
        return self.inner.flag(self._written(place))

    def order(self, place: Place) -> tuple[int, int]:
        """Sorts faults as they stand in the file, or files."""
        return self.inner.order(self._written(place))

    def _written(self, place: Place) -> Place:
        if len(place) < 2 or place[0] != "testbed":
            return place
        return ("testbed", self.older.get(str(place[1]), place[1]), *place[2:])


@dataclass(frozen=True, kw_only=True)
class Declared:
    """What a testbed file declares.

    table: None where there are faults.  base: its other tables, which are the base of the children
    where it names no other.  source: knows today's names of the keys.  faults: "k.toml:12  text".
    """

    table: Testbed | None
    base: Mapping[str, Any]
    source: Source
    notices: tuple[str, ...]
    faults: tuple[str, ...]


def declared(data: Mapping[str, Any], source: Source, path: Path) -> Declared:
    """Check the merged data of the file at `path`; without an id the testbed is named after it."""
    clashes: list[str] = []
    data, older = _today(data, clashes)
    faults = Faults(Respelt(source.name, inner=source, older=older))
    for text in clashes:
        faults.say(("testbed",), text)
    base = {key: value for key, value in data.items() if key not in _OWN}
    table: Testbed | None = None
    if "testbed" not in data:
        faults.say((), "[testbed] is missing; workflow.mode is 'testbed'")
    else:
        if isinstance(data["testbed"], Mapping):
            data = {**data, "testbed": {"id": path.stem, **data["testbed"]}}
            _refuse_idle(data["testbed"], base, faults)
        table = _checked(data, faults, path.parent)
    return Declared(
        table=None if len(faults) else table,
        base=base,
        source=faults.source,
        notices=_notices(older, data),
        faults=faults.lines(),
    )


def _today(data: Mapping[str, Any], clashes: list[str]) -> tuple[dict[str, Any], dict[str, str]]:
    """The data under today's names, and for each of those the name in the file where it differs."""
    data, older = dict(data), {}
    if data.get("workflow") == "testbed":
        data["workflow"] = {"mode": "testbed"}
        older["workflow"] = "workflow"
    if isinstance(data.get("testbed"), Mapping):
        table = dict(data["testbed"])
        for old, new in OLDER.items():
            if old in table and new in table:
                clashes.append(
                    f"testbed.{older.get(new, new)} and testbed.{old} are two spellings of one "
                    f"key; keep testbed.{new}"
                )
                del table[old]
            elif old in table:
                table[new] = table.pop(old)
                older[new] = old
        data["testbed"] = table
    return data, older


def _notices(older: Mapping[str, str], data: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(
        'workflow = "testbed" is an older spelling of workflow.mode'
        if new == "workflow"
        else f"testbed.{old} is an older spelling of testbed.{new}"
        for new, old in older.items()
    )


def _refuse_idle(table: Mapping[str, Any], base: Mapping[str, Any], faults: Faults) -> None:
    """Arrays of a file whose children have another base would have no effect."""
    if "base_config" in table:
        for key in base:
            faults.key(
                (key,), "has no effect beside testbed.base_config; move it there or to an overlay"
            )


def _checked(data: Mapping[str, Any], faults: Faults, folder: Path) -> Testbed | None:
    """The table; where it is faulty, every fault of it and of what the rest says of each other."""
    checked, told = faults_in(TestbedFile, data)
    if checked is not None:
        arrays = Arrays(checked.testbed, folder)
        relations(arrays, faults)
        if len(faults):
            judge(arrays, faults)
        return checked.testbed
    for fault in told:
        faults.key(fault.place, fault.text)
    for fault in told:
        faults.mute(fault.place[: 3 if _item(fault.place) else 2])
    aside = _Aside(data)
    for _ in range(_ROUNDS):
        aside.without(told)
        checked, told = faults_in(TestbedFile, aside.data())
        if checked is not None:
            arrays = Arrays(checked.testbed, folder, aside.numbers(), aside.left_out())
            relations(arrays, faults)
            judge(arrays, faults)
            break
    return None


def _item(place: Place) -> bool:
    """True for a place in a numbered table of one of the arrays."""
    return len(place) > 2 and place[1] in ARRAYS and isinstance(place[2], int)


class _Aside:
    """A file without its faulty keys; tables that cannot do without them are left out."""

    def __init__(self, data: Mapping[str, Any]) -> None:
        table = data.get("testbed")
        self._table: dict[str, Any] = dict(table) if isinstance(table, Mapping) else {}
        self._arrays = {
            name: {number: item for number, item in enumerate(items)}
            for name in ARRAYS
            if isinstance(items := self._table.get(name), list)
        }
        self._sizes = {name: len(array) for name, array in self._arrays.items()}

    def without(self, told: Iterable[Told]) -> None:
        """Set the keys of these faults aside."""
        numbers = self.numbers()
        for fault in told:
            place = fault.place
            if _item(place) and place[1] in self._arrays:
                array = self._arrays[str(place[1])]
                number = numbers[str(place[1])][int(place[2])]
                array[number] = _less(array.get(number), place[3:4])
            elif place[:1] == ("testbed",) and len(place) > 1:
                key = str(place[1])
                self._arrays.pop(key, None)
                self._table[key] = _less(self._table.get(key), place[2:3])
        for array in self._arrays.values():
            for number in [number for number, item in array.items() if item is None]:
                del array[number]

    def data(self) -> dict[str, Any]:
        """What is left, as the file would have it."""
        arrays = {name: list(array.values()) for name, array in self._arrays.items()}
        table = {**self._table, **arrays}
        return {"testbed": {key: value for key, value in table.items() if value is not None}}

    def left_out(self) -> frozenset[str]:
        """Arrays that are not whole any more."""
        sizes = {name: len(array) for name, array in self._arrays.items()}
        given = [name for name in ARRAYS if name in self._table]
        return frozenset(n for n in given if sizes.get(n, -1) != self._sizes.get(n))

    def numbers(self) -> dict[str, tuple[int, ...]]:
        """For each array, the numbers in the file of the tables that are left."""
        return {name: tuple(array) for name, array in self._arrays.items()}


def _less(table: Any, key: Place) -> Any:
    """A table without a key; None when it lacks the key that is missed, or is no table."""
    if not (key and isinstance(table, Mapping) and key[0] in table):
        return None
    return {name: value for name, value in table.items() if name != key[0]}
