"""Values in the place of their names: `{name}` in words, `{{name}}` in template files.

Names are dotted (`time.steps`).  A number is written as Python reads it back exactly, unless a
format follows its name (`{k:.3e}`); true and false as TOML and JSON write them.  Braces around
anything but a name stay, as in `awk '{print $1}'`; in words, `{{name}}` stands for `{name}`.
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

TEMPLATE_ENDINGS = (".template", ".tmpl")
_IN_WORD = re.compile(r"\{\{([A-Za-z][\w.]*)\}\}|\{([A-Za-z][\w.]*)(?::([^{}]*))?\}")
_IN_FILE = re.compile(r"\{\{\s*([A-Za-z][\w.]*)\s*(?::([^{}]*))?\}\}")


def leaves(table: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    """Values of nested tables under dotted names."""
    for key, value in table.items():
        if isinstance(value, Mapping):
            yield from leaves(value, f"{above}{key}.")
        else:
            yield f"{above}{key}", value


def names_in(text: str) -> list[str]:
    """Names in the placeholders of a word."""
    return [name for literal, name, _ in _IN_WORD.findall(text) if not literal]


def filled(text: str, values: Mapping[str, Any]) -> str:
    """A word with its placeholders replaced; all of them must be known."""
    return _IN_WORD.sub(
        lambda m: f"{{{m[1]}}}" if m[1] else _written(values[m[2]], m[3]),
        text,
    )


def names_in_template(text: str) -> list[tuple[str, int]]:
    """Names in the placeholders of a template file, and the line of each."""
    return [(m[1], text.count("\n", 0, m.start()) + 1) for m in _IN_FILE.finditer(text)]


def rendered(text: str, values: Mapping[str, Any]) -> str:
    """A template file with its placeholders replaced; all of them must be known."""
    return _IN_FILE.sub(lambda m: _written(values[m[1]], m[2]), text)


def made_name(template: Path) -> str:
    """The name of the file that is made from a template: its own, less `.template` or `.tmpl`."""
    for ending in TEMPLATE_ENDINGS:
        if template.name.endswith(ending) and template.name != ending:
            return template.name.removesuffix(ending)
    return template.name


def _written(value: Any, form: str | None) -> str:
    if form:
        return format(value, form)
    if isinstance(value, bool):
        return "true" if value else "false"
    return repr(value) if isinstance(value, float) else str(value)
