"""A page as one HTML file that needs nothing else: no network, no script, style and pictures in it.

Every text is escaped by the template engine; the pictures come from `charts.py`, which escapes its
own.  Links are relative to the page, so a folder can be moved; what could run code is not a link.
"""

import re
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from mhx.errors import EngineMissing
from mhx.report.page import Bullets, Charts, Failure, Page, Table, Words

if TYPE_CHECKING:
    from jinja2 import Template

TEMPLATES = Path(__file__).parent / "templates"
WORDS = {"pass": "\N{CHECK MARK}", "fail": "\N{BALLOT X}", "unknown": "?"}
_KINDS = {Bullets: "bullets", Charts: "charts", Failure: "failure", Table: "table", Words: "words"}
_SCHEME = re.compile(r"^[^/]*:")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


def can_render() -> bool:
    """True where the template engine is installed (extra `report`)."""
    return find_spec("jinja2") is not None


def render(page: Page) -> bytes:
    """The page as UTF-8; EngineMissing without the template engine."""
    text = _template().render(page=page, style=_style(), marks=WORDS)
    return _CONTROL.sub("\N{REPLACEMENT CHARACTER}", text).encode("utf-8", "backslashreplace")


def address(path: str) -> str:
    """A path below the page as the address of a link; empty for what is none."""
    if not path or _SCHEME.match(path) or path.startswith(("/", "\\")):
        return ""
    return quote(path, errors="surrogateescape")


@cache
def _template() -> "Template":
    if not can_render():
        raise EngineMissing(
            "an HTML report needs the Python package 'jinja2', which is not installed; "
            "install it with: pip install 'mhx[report]'"
        )
    from jinja2 import Environment, FileSystemLoader, StrictUndefined  # noqa: PLC0415
    from markupsafe import Markup, escape  # noqa: PLC0415

    def breakable(text: str) -> Markup:
        """A name that may go on in the next line after its underscores and dots."""
        escaped = str(escape(text))
        return Markup(escaped.replace("_", "_<wbr>").replace(".", ".<wbr>"))

    made = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["kind"] = lambda block: _KINDS[type(block)]
    made.filters["address"] = address
    made.filters["breakable"] = breakable
    return made.get_template("page.html")


@cache
def _style() -> str:
    return (TEMPLATES / "page.css").read_text(encoding="utf-8")
