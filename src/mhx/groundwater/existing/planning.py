"""What can be said of `[model]` before a run: that its files are there and its patches can be done.

Nothing is written.  The plan of a run is remembered, so that the run itself does not make it again.
"""

import re
from collections.abc import Iterator, Mapping

from mhx.errors import ConfigError
from mhx.groundwater.existing.config import Model
from mhx.groundwater.existing.copying import planned

_PLACE = re.compile(r"model\.(?:path|(?:patch|option)\[\d+\](?:\.\w+(?:\[\d+\])?)?)")
_INDEX = re.compile(r"\[(\d+)\]")


def refusals(model: Model) -> Mapping[str, str]:
    """Dotted keys of `[model]` (`model.patch.0.layers`) and what is wrong with each."""
    if not model.path.exists():
        return {}  # told of every path that must exist
    try:
        planned(model)
    except ConfigError as error:
        found: dict[str, str] = {}
        for key, text in _faults(str(error)):
            found[key] = f"{found[key]}\n{text}" if key in found else text
        return found
    return {}


def _faults(message: str) -> Iterator[tuple[str, str]]:
    """Key and text of every fault; a fault may go on in the lines below."""
    lines = message.split("\n")
    starts = [at for at, line in enumerate(lines) if at == 0 or _PLACE.match(line)]
    for start, end in zip(starts, [*starts[1:], len(lines)], strict=True):
        text = "\n".join(lines[start:end])
        place = _PLACE.match(text)
        key = place.group() if place else "model.path"
        rest = text[place.end() :] if place else f": {text}"
        yield _INDEX.sub(r".\1", key), rest.strip() if rest[:1] == " " else rest
