"""A changed file as text: rows and records replaced where they stand, all else as it was.

Rows keep their line, numbers that did not change their text.  Records of more than a few numbers
go to binary files beside; a file that a list opens is written under a new name, because others may
open it, too.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from mhx.groundwater.existing import arrays, blocks, lists
from mhx.groundwater.existing.blocks import Block, BlockFile
from mhx.groundwater.existing.lists import Rows
from mhx.groundwater.existing.targets import Draft, Edit, Segment, Target
from mhx.groundwater.grid import Floats


@dataclass(kw_only=True)
class Names:
    """Names of new files, relative to the folder of the copy.  taken: those in use."""

    folder: Path
    taken: set[str]
    moved: dict[Path, str] = field(default_factory=dict)

    def of(self, path: Path) -> str:
        """What a file of the model is called in the copy; one from outside goes to the top."""
        if path.is_relative_to(self.folder):
            return path.relative_to(self.folder).as_posix()
        if path not in self.moved:
            self.moved[path] = self.free(path.name)
        return self.moved[path]

    def free(self, wanted: str) -> str:
        """A name that is not in use, like this one."""
        stem, dot, suffix = wanted.rpartition(".")
        name, count = wanted, 1
        while name.lower() in self.taken:
            count += 1
            name = f"{stem}-{count}{dot}{suffix}"
        self.taken.add(name.lower())
        return name

    def beside(self, path: Path, infix: str, suffix: str) -> str:
        """A free name like that of a file; at the top where that lies outside the folder."""
        inside = path.is_relative_to(self.folder)
        above = path.parent.relative_to(self.folder).as_posix() if inside else "."
        stem = f"{path.name}.{infix}" if above == "." else f"{above}/{path.name}.{infix}"
        return self.free(f"{stem}{suffix}")


@dataclass(kw_only=True)
class Rendered:
    """lines: of the file; files: new ones beside it, name -> content."""

    lines: list[str]
    files: dict[str, bytes] = field(default_factory=dict)
    dropped: set[int] = field(default_factory=set)
    """Lines of the source that no longer stand."""


def render(draft: Draft, names: Names) -> Rendered:
    """The file with all its changes."""
    result = Rendered(lines=list(draft.source.lines))
    edits = list(draft.edits)
    fixed: dict[int, list[Target]] = {}
    for target in draft.fixed.values():
        if not target.changed:
            continue
        if target.section is not None:
            edits += _records(draft, target, names, result)
        else:
            fixed.setdefault(target.block.first, []).append(target)
    for group in fixed.values():
        _rows_in_place(group, draft, names, result)
    added: dict[int, list[str]] = {}
    for key, segments in draft.segments.items():
        if key == "":
            _lists(draft, segments, names, result, added)
        else:
            edits += _stress_arrays(draft, key, names, result, added)
    edits += _new_blocks(draft, added)
    edits += _settings(draft)
    for line, word, new in draft.words:
        text = draft.source.lines[line]
        if result.lines[line] == text:  # else a patch has put another file there
            result.lines[line] = text[: word.start] + new + text[word.stop :]
    _apply(edits, result, draft.source.ending)
    return result


def _apply(edits: list[Edit], result: Rendered, ending: str) -> None:
    """All edits at once, so that numbers of lines stay those of the source."""
    parts: list[str] = []
    at = 0
    for edit in sorted(edits, key=lambda edit: (edit.first, edit.last)):
        parts += result.lines[at : edit.first]
        parts += [line + ending for line in edit.lines]
        result.dropped |= set(range(edit.first, edit.last))
        at = edit.last
    result.lines = parts + result.lines[at:]


def _records(draft: Draft, target: Target, names: Names, result: Rendered) -> Iterator[Edit]:
    """New records for those layers of which a number changed."""
    section, size = target.section, target.extent
    assert section is not None and size is not None
    each = size.rows * size.columns
    for layer, record in enumerate(section.records):
        part = slice(layer * each, (layer + 1) * each)
        if not np.array_equal(target.base[part], target.numbers[part]):
            lines = _record(draft, target, layer, names, result)
            yield Edit(record.first, record.last, tuple(lines))


def _record(draft: Draft, target: Target, layer: int, names: Names, result: Rendered) -> list[str]:
    size = target.extent
    assert size is not None
    each = size.rows * size.columns
    numbers = target.numbers[layer * each : (layer + 1) * each]
    uniform = bool((numbers == numbers[0]).all())
    if uniform or each <= arrays.INLINE:
        return arrays.text_lines(numbers, size, target.whole)
    infix = f"{target.name}_{layer + 1}" if size.count > 1 else target.name
    name = names.beside(draft.source.path, infix, ".bin")
    result.files[name] = arrays.binary(numbers, size, layer + 1, target.whole)
    return [f"    OPEN/CLOSE {blocks.word_of(name)} (BINARY)"]


def _rows_in_place(group: list[Target], draft: Draft, names: Names, result: Rendered) -> None:
    """Changed rows of one block, in the file itself or in the one that it opens."""
    found = group[0].rows
    assert found is not None
    if found.reference is None:
        for row, line in _new_lines(group):
            result.lines[found.places[row]] = line
        return
    name = names.beside(found.path, "patched", found.path.suffix or ".txt")
    if found.table is not None:
        result.files[name] = _new_table(group, found)
    else:
        lines = list(found.lines)
        for row, line in _new_lines(group):
            lines[row] = line
        result.files[name] = "\n".join([*lines, ""]).encode("latin-1")
    line = result.lines[found.reference]
    word = blocks.words(line)[1]
    result.lines[found.reference] = line[: word.start] + blocks.word_of(name) + line[word.stop :]


def _new_lines(group: list[Target]) -> Iterator[tuple[int, str]]:
    """Row and new text of every row of which a number changed."""
    if len(group) == 1:
        yield from _of_one(group[0])
        return
    changes: dict[int, list[tuple[str, str, str, str]]] = {}
    for target in group:
        entries = target.entries
        assert entries is not None
        for at in np.flatnonzero(_differs(target.base, target.numbers)).tolist():
            text = arrays.number_text(target.numbers[at], target.whole)
            cut = (entries.before[at], entries.words[at], entries.after[at], text)
            changes.setdefault(entries.rows[at], []).append(cut)
    for row, cuts in changes.items():
        before, word, after, _ = cuts[0]
        yield row, lists.replaced(before + word + after, cuts)


def _of_one(target: Target) -> Iterator[tuple[int, str]]:
    entries = target.entries
    assert entries is not None
    numbers = target.numbers.tolist()
    for at in np.flatnonzero(_differs(target.base, target.numbers)).tolist():
        text = arrays.number_text(numbers[at], target.whole)
        yield entries.rows[at], f"{entries.before[at]}{text}{entries.after[at]}"


def _differs(base: Floats, numbers: Floats) -> np.ndarray:
    differs: np.ndarray = (base != numbers) & ~(np.isnan(base) & np.isnan(numbers))
    return differs


def _new_table(group: list[Target], found: Rows) -> bytes:
    table = found.table.copy()
    for target in group:
        table[target.name] = target.numbers
    content: bytes = table.tobytes()
    return content


def _same(one: Segment, other: Segment) -> bool:
    """Whether a stretch goes on as the one before."""
    if one.block is not other.block:
        return False
    for name in one.targets.keys() | other.targets.keys():
        known = one.targets.get(name) or other.targets[name]
        here, before = (
            segment.targets[name].numbers if name in segment.targets else known.base
            for segment in (one, other)
        )
        if not np.array_equal(here, before, equal_nan=True):
            return False
    return True


def _lists(
    draft: Draft,
    segments: list[Segment],
    names: Names,
    result: Rendered,
    added: dict[int, list[str]],
) -> None:
    """Rows of PERIOD blocks; what a patch cut off goes to `added`, by period."""
    written: Segment | None = None
    for segment in segments:
        changed = [target for target in segment.targets.values() if target.changed]
        if segment.start != segment.block.period:
            if written is None or not _same(segment, written):
                added[segment.start] = _rows_anew(draft, segment, changed, names, result)
        elif changed:
            _rows_in_place(changed, draft, names, result)
        written = segment


def _rows_anew(
    draft: Draft, segment: Segment, changed: list[Target], names: Names, result: Rendered
) -> list[str]:
    """The rows of a block with its changes, as lines of a new one."""
    columns = draft.layout("PERIOD")
    found = lists.rows(draft.source, segment.block, columns)
    if found.table is not None:
        name = names.beside(found.path, f"period_{segment.start}", ".bin")
        result.files[name] = _new_table(changed, found)
        return [f"  OPEN/CLOSE {blocks.word_of(name)} (BINARY)"]
    lines = [line.rstrip("\r") for line in found.lines]
    for row, line in _new_lines(changed) if changed else ():
        lines[row] = line.rstrip("\r")
    return lines


def _stress_arrays(
    draft: Draft, name: str, names: Names, result: Rendered, added: dict[int, list[str]]
) -> Iterator[Edit]:
    """One array of PERIOD blocks; as `_lists`."""
    written: Segment | None = None
    for segment in draft.segments[name]:
        target = draft.stress_array(segment, name)
        if segment.start == segment.block.period:
            if target.changed:
                yield from _records(draft, target, names, result)
        elif written is None or not _same(segment, written):
            lines = [f"  {name}", *_record(draft, target, 0, names, result)]
            added.setdefault(segment.start, []).extend(lines)
        written = segment


def _new_blocks(draft: Draft, added: dict[int, list[str]]) -> Iterator[Edit]:
    """Blocks for periods that had none, in order; more lines for arrays of those that had one."""
    blocks_there = draft.stresses()
    for period, lines in sorted(added.items()):
        there = next((block for block in blocks_there if block.period == period), None)
        if there is not None:
            yield Edit(there.last, there.last, tuple(lines))
            continue
        before = [block for block in blocks_there if block.period < period][-1]
        whole = ("", f"BEGIN PERIOD {period}", *lines, f"END PERIOD {period}")
        yield Edit(before.last + 1, before.last + 1, whole)


def _settings(draft: Draft) -> Iterator[Edit]:
    """Lines of settings, in their block or in a new one at its place."""
    source = draft.source
    for name, settings in sorted(draft.settings.items(), key=lambda item: _rank(item[0])):
        block = source.block(name)
        opened = None if block is None else source.opened(block)
        if block is None or opened is not None:
            # what a block opens is written into it: others may open the same file
            lines = _set(source.inside(block), settings)
            if opened is not None and block is not None:
                yield Edit(block.first + 1, block.last, tuple(lines))
            elif lines:
                at = _place(source, name)
                yield Edit(at, at, (f"BEGIN {name}", *lines, f"END {name}", ""))
            continue
        yield from _edited(source, block, settings)


def _edited(source: BlockFile, block: Block, settings: Mapping[str, str | None]) -> Iterator[Edit]:
    lines: list[str] = []
    for key, text in settings.items():
        new = () if text is None else (f"  {key} {text}".rstrip(),)
        place = next((at for at, line in source.rows(block) if _begins(line, key)), None)
        if place is None:
            lines += new
        else:
            yield Edit(place, place + 1, new)
    if lines:
        yield Edit(block.last, block.last, tuple(lines))


def _set(found: list[str], settings: Mapping[str, str | None]) -> list[str]:
    """Lines without those that settings replace, and with the new ones."""
    kept = [line.rstrip("\r") for line in found if not any(_begins(line, key) for key in settings)]
    new = [f"  {key} {text}".rstrip() for key, text in settings.items() if text is not None]
    return kept + new


def _begins(line: str, key: str) -> bool:
    """Whether a line begins with these words."""
    wanted = key.split()
    return [word.upper() for word in blocks.texts(line)[: len(wanted)]] == wanted


def _rank(name: str) -> int:
    """MODFLOW reads blocks in their order, and new ones may go to the same place."""
    order = ("OPTIONS", "NONLINEAR", "LINEAR")
    return order.index(name) if name in order else len(order)


def _place(source: BlockFile, name: str) -> int:
    """The line before which a new block goes."""
    end = len(source.lines)
    if name == "LINEAR" or not source.blocks:
        return end
    if name == "NONLINEAR":
        options = source.block("OPTIONS")
        return source.blocks[0].first if options is None else options.last + 1
    return source.blocks[0].first
