"""Texts with `{field}` in them: ids, labels and overlays made from a row or from axis values.

Python's format strings, with plain names only: no attributes, no indices, no conversions.  `{{` is
a brace.  A text that is exactly one field without a format becomes the value itself, with its type;
any other is text, in which a field with a format (`{K:.1e}`) is the typed value, one without is
the field as it is written.
"""

import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from string import Formatter
from typing import Any

from mhx.config.lines import Place

_TRUE, _FALSE = ("true", "yes", "y", "on"), ("false", "no", "n", "off")
_WHOLE = re.compile(r"[+-]?(0|[1-9][0-9]{0,17})")  # fits the 64 bits of a whole number in TOML
_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")


class TemplateError(ValueError):
    """A template that cannot be filled; the message goes behind the key that holds it."""


@dataclass(frozen=True)
class Fields:
    """What a template is filled with.

    typed: a field as the value it stands for; text: a field as it is written.
    """

    values: Mapping[str, Any]
    typed: Callable[[Any], Any]
    text: Callable[[Any], str]


def typed(text: str) -> Any:
    """A cell of a CSV file as truth value, whole number, number or text."""
    word = text.strip().lower()
    if word in _TRUE or word in _FALSE:
        return word in _TRUE
    if _WHOLE.fullmatch(word):
        return int(word)
    if _NUMBER.fullmatch(word) and not word.lstrip("+-").isdecimal():
        number = float(word)
        return number if math.isfinite(number) else text
    return text


def fill(template: str, fields: Fields) -> Any:
    """The template with its fields filled in; TemplateError says why it cannot be."""
    parts = _parts(template)
    if len(parts) == 1 and parts[0][1] is not None and not parts[0][0] and not parts[0][2]:
        return fields.typed(_field(parts[0][1], fields))
    return "".join(
        literal if name is None else literal + _formatted(name, form, fields)
        for literal, name, form in parts
    )


def fill_text(template: str, fields: Fields) -> str:
    """The same, for what has to be text: a lone field stays as it is written."""
    return "".join(
        literal if name is None else literal + _formatted(name, form, fields)
        for literal, name, form in _parts(template)
    )


def check(template: str, names: Mapping[str, Any]) -> None:
    """TemplateError when the template is broken or asks for a field that is not there."""
    for _, name, _ in _parts(template):
        if name is not None and name not in names:
            raise TemplateError(_unknown(name, names))


def texts(value: Any, above: Place = ()) -> Iterator[tuple[Place, str]]:
    """Every text in nested tables and lists, with its place."""
    if isinstance(value, str):
        yield above, value
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from texts(item, (*above, key))
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            yield from texts(item, (*above, index))


def fill_all(value: Any, fields: Fields) -> Any:
    """Nested tables and lists with every text filled in."""
    if isinstance(value, str):
        return fill(value, fields)
    if isinstance(value, Mapping):
        return {key: fill_all(item, fields) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [fill_all(item, fields) for item in value]
    return value


@lru_cache(maxsize=1024)
def _parts(template: str) -> tuple[tuple[str, str | None, str], ...]:
    """Literal text and the field behind it, with its format; one entry for each field."""
    try:
        found = [(text, name, form or "", how) for text, name, form, how in _parsed(template)]
    except ValueError as error:
        raise TemplateError(f"{template!r} is no template: {str(error).lower()}") from None
    for _, name, form, conversion in found:
        if name == "":
            raise TemplateError(f"{template!r} is no template: a field needs a name")
        if conversion or "{" in form:
            raise TemplateError(f"{template!r} is no template: only {{field:format}} is known")
    return tuple((text, name, form) for text, name, form, _ in found)


def _parsed(template: str) -> Iterator[tuple[str, str | None, str | None, str | None]]:
    return iter(Formatter().parse(template))


def _field(name: str, fields: Fields) -> Any:
    if name not in fields.values:
        raise TemplateError(_unknown(name, fields.values))
    return fields.values[name]


def _unknown(name: str, names: Mapping[str, Any]) -> str:
    return f"no field {name!r}; fields: {', '.join(names)}"


def _formatted(name: str, form: str, fields: Fields) -> str:
    value = _field(name, fields)
    if not form:
        return fields.text(value)
    try:
        return format(fields.typed(value), form)
    except (ValueError, TypeError):
        raise TemplateError(f"{{{name}:{form}}} does not fit {value!r}") from None
