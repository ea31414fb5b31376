"""Tables in which one key decides which of the others are used, and faults told at the key.

`Kinded` reads its rule from one mapping, so that schema, checks and manual cannot differ: a key
that the chosen kind needs is required, one that it does not use is refused, none is ignored.
"""

from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any, ClassVar, NamedTuple, Self

from pydantic import ValidationError, model_validator
from pydantic_core import InitErrorDetails, PydanticCustomError

from mhx.config import Table
from mhx.config.faults import ABSENT, shown

Place = tuple[str | int, ...]


class Fault(NamedTuple):
    """What is wrong with one key; `absent` where the key is missed."""

    place: Place
    text: str
    absent: bool = False


def refuse(title: str, faults: Iterable[Fault]) -> None:
    """All faults at once, each at its own key."""
    details = []
    for place, text, absent in faults:
        shielded = text.replace("{", "{{").replace("}", "}}")
        error = (
            PydanticCustomError(ABSENT, shielded)
            if absent
            else PydanticCustomError("value_error", "{error}", {"error": ValueError(text)})
        )
        details.append(InitErrorDetails(type=error, loc=place, input=None))
    if details:
        raise ValidationError.from_exception_data(title, details)


class Uses(NamedTuple):
    """Keys of one kind: `needs` (`"file|points"`: exactly one of the two) and `may`."""

    needs: tuple[str, ...] = ()
    may: tuple[str, ...] = ()


class Kinded(Table):
    """A table whose `selector` key names a row of `uses`.

    Keys in no row belong to every kind.  A value that equals its default counts as not written,
    so that a table with every default filled in reads back.
    """

    uses: ClassVar[Mapping[str, Uses]] = {}
    selector: ClassVar[str] = "kind"

    @model_validator(mode="after")
    def _used(self) -> Self:
        kind = getattr(self, self.selector)
        refuse(type(self).__name__, [*self._missing(kind), *self._idle(kind)])
        return self

    def _missing(self, kind: str) -> Iterable[Fault]:
        for need in self.uses[kind].needs:
            keys = need.split("|")
            given = [key for key in keys if self._value(key) is not None]
            told = f"with {self.selector} = {kind!r}"
            if not given:
                unit = _unit(type(self), keys[0])
                other = f", or {' or '.join(keys[1:])}" if keys[1:] else ""
                yield Fault((keys[0],), f"is required {told}{other}{unit}", absent=True)
            if len(given) > 1:
                yield Fault((given[1],), f"must be left out: {given[0]} is given, too")

    def _idle(self, kind: str) -> Iterable[Fault]:
        used = _keys(self.uses[kind])
        for key, default in _defaults(type(self)).items():
            if key not in used and (value := self._value(key)) != default:
                takes = ", ".join(used) or "no key of its own"
                told = f"is not used with {self.selector} = {kind!r}, which takes {takes}"
                yield Fault((key,), f"{told}; got {shown(value)}")

    def _value(self, key: str) -> Any:
        return getattr(self, _field(key))


@cache
def _keys(row: Uses) -> tuple[str, ...]:
    return tuple(key for entry in (*row.needs, *row.may) for key in entry.split("|"))


@cache
def _defaults(table: type[Kinded]) -> dict[str, Any]:
    """The default of every key that belongs to some kinds only."""
    keys = [key for row in table.uses.values() for key in _keys(row)]
    return {key: table.model_fields[_field(key)].default for key in keys}


def _field(key: str) -> str:
    return "except_" if key == "except" else key  # a word of Python


def _unit(table: type[Table], key: str) -> str:
    text = table.model_fields[_field(key)].description or ""
    unit = text[text.rindex("[") :] if text.endswith("]") else "[1]"
    return "" if unit == "[1]" else f" {unit}"
