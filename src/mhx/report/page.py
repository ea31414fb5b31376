"""What stands on a page, before it is HTML or Markdown: sections of blocks, plain values alone.

Who fills a page decides its words; `html.py` and `markdown.py` decide how it looks and escape all
text.  Only `Chart.svg` is markup, made by `charts.py` from numbers and escaped text.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

TONES = frozenset({"", "pass", "fail", "unknown", "muted", "strong"})


@dataclass(frozen=True)
class Cell:
    """Text of a table; tone: a word of TONES; href: relative to the page; code: a key or path."""

    text: str
    tone: str = ""
    href: str = ""
    code: bool = False


@dataclass(frozen=True)
class Column:
    """Head of a column; numbers stand at the right, `badge` cells are shown as labels."""

    title: str
    unit: str = ""
    numeric: bool = False
    badge: bool = False


@dataclass(frozen=True, kw_only=True)
class Table:
    """Rows of as many cells as there are columns; note: a line below."""

    columns: Sequence[Column]
    rows: Sequence[Sequence[Cell]]

    @property
    def is_long(self) -> bool:
        """True for a table that is read by scrolling inside it."""
        return len(self.rows) > 30

    note: str = ""
    caption: str = ""


@dataclass(frozen=True, kw_only=True)
class Charts:
    """Pictures side by side; each is SVG with a caption in words."""

    charts: Sequence["Chart"]
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class Chart:
    """One picture; wide: over the whole width."""

    svg: str
    caption: str
    wide: bool = False


@dataclass(frozen=True, kw_only=True)
class Bullets:
    """Names and what is said of them."""

    items: Sequence[tuple[str, Cell]]


@dataclass(frozen=True)
class Words:
    """A paragraph."""

    text: str
    tone: str = ""


@dataclass(frozen=True, kw_only=True)
class Failure:
    """Something that went wrong: what, why, the end of its log, the command that repeats it."""

    title: str
    status: str
    error: str
    log: str = ""
    log_path: str = ""
    commands: Sequence[tuple[str, str]] = ()


Block = Table | Charts | Bullets | Words | Failure


@dataclass(frozen=True, kw_only=True)
class Section:
    """A headline with blocks below; `anchor` names it for links."""

    anchor: str
    title: str
    blocks: Sequence[Block]
    lead: str = ""


@dataclass(frozen=True, kw_only=True)
class Page:
    """A whole page.  verdict: pass, fail or unknown; headline: it in one sentence."""

    title: str
    kind: str
    verdict: str
    headline: str
    figures: Sequence[tuple[str, str, str]] = ()  # name, value, tone
    summary: Sequence[tuple[str, Cell]] = ()
    sections: Sequence[Section] = ()
    footer: str = ""
    details: Sequence[str] = field(default_factory=tuple)


def figure(value: object, digits: int = 7) -> str:
    """A value as it is read: numbers to seven significant digits, empty for what is missing."""
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case float():
            return f"{value:.{digits}g}" if math.isfinite(value) else ""
    return str(value)


def percent(value: float | None) -> str:
    """A share as per cent, with its sign."""
    if value is None:
        return ""
    return f"{100 * value:+.{4 if abs(value) >= 9.995 else 3}g} %"


def counted(number: int, noun: str) -> str:
    """`1 case`, `2 cases`."""
    return f"{number} {noun}" + ("" if number == 1 else "s")
