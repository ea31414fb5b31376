"""A page as Markdown: the same words and tables as the HTML, without the pictures."""

import re
from collections.abc import Iterator

from mhx.report.page import Block, Bullets, Cell, Charts, Failure, Page, Section, Table, Words

_SPECIAL = re.compile(r"([\\`*{}\[\]<>#|~]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9]))")
_CONTROL = re.compile(r"[\x00-\x1f\x7f\u0085\u2028\u2029]+")


def render(page: Page) -> str:
    """The whole page, with one newline at its end."""
    lines = [f"# {_plain(page.title)}", "", f"**{page.verdict.upper()}**: {_plain(page.headline)}"]
    lines += ["", *(f"- {_plain(name)}: {_cell(cell)}" for name, cell in page.summary)]
    for section in page.sections:
        lines += ["", *_section(section)]
    if page.footer:
        lines += ["", "---", "", _plain(page.footer)]
    return "\n".join(lines) + "\n"


def _section(section: Section) -> Iterator[str]:
    yield f"## {_plain(section.title)}"
    if section.lead:
        yield from ("", _plain(section.lead))
    for block in section.blocks:
        yield from _block(block)


def _block(block: Block) -> Iterator[str]:
    match block:
        case Table():
            yield from _table(block)
        case Bullets():
            yield ""
            yield from (f"- {_plain(name)}: {_cell(cell)}" for name, cell in block.items)
        case Words():
            yield from ("", _plain(block.text))
        case Failure():
            yield from _failure(block)
        case Charts() if block.note:
            yield from ("", _plain(block.note))


def _table(table: Table) -> Iterator[str]:
    yield ""
    if table.caption:
        yield from (f"**{_plain(table.caption)}**", "")
    heads = (f"{c.title} ({c.unit})" if c.unit else c.title for c in table.columns)
    yield "| " + " | ".join(_plain(head) for head in heads) + " |"
    yield "|" + "|".join(" ---: " if column.numeric else " --- " for column in table.columns) + "|"
    for row in table.rows:
        yield "| " + " | ".join(_cell(cell) for cell in row) + " |"
    if table.note:
        yield from ("", f"*{_plain(table.note)}*")


def _failure(failure: Failure) -> Iterator[str]:
    yield from (
        "",
        f"### {_plain(failure.title)}",
        "",
        f"{failure.status}: {_plain(failure.error)}",
    )
    for words, command in failure.commands:
        yield from ("", f"{_plain(words)}:", "", *_fenced(command, "sh"))
    if failure.log:
        yield from ("", f"The end of {_code(failure.log_path)}:", "", *_fenced(failure.log, "text"))


def _fenced(text: str, language: str) -> Iterator[str]:
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    yield f"{fence}{language}"
    yield text.replace("\r", "")
    yield fence


def _cell(cell: Cell) -> str:
    text = _code(cell.text) if cell.code and cell.text else _plain(cell.text)
    return f"[{text}](<{_address(cell.href)}>)" if cell.href and cell.text else text


def _address(href: str) -> str:
    return href.replace("<", "%3C").replace(">", "%3E").replace("|", "%7C").replace("\n", "%0A")


def _code(text: str) -> str:
    """In back-ticks; a bar would end the cell of a table even there."""
    if "`" in text or "|" in text:
        return _plain(text)
    return f"`{_CONTROL.sub(' ', text)}`"


def _plain(text: str) -> str:
    """Text that means nothing to Markdown or HTML, on one line."""
    return _SPECIAL.sub(r"\\\1", _CONTROL.sub(" ", text)).replace("&", "&amp;")
