"""What a patch may change in one file: arrays, columns of lists, settings, and since which period.

A stress package's PERIOD block lasts until the next one.  `Segment` is one such stretch; a patch of
some periods cuts it, and what is cut off gets a block of its own when the file is written.  Arrays
of a PERIOD block last one by one; settings of advanced packages until they are set again.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np

from mhx.errors import ConfigError
from mhx.groundwater.existing import arrays, blocks, lists
from mhx.groundwater.existing.arrays import Extent, Section
from mhx.groundwater.existing.blocks import Block, BlockFile, Word
from mhx.groundwater.existing.columns import BY_CELL, CELL, KEYED, REPLACED, ROWS, WHOLE
from mhx.groundwater.existing.lists import Entries, Layout, Rows
from mhx.groundwater.existing.reading import GridSize, Package
from mhx.groundwater.grid import Floats


@dataclass(kw_only=True)
class Target:
    """Numbers that belong together.

    numbers: as they are now; base: as they are in the file.  Of an array: section, extent; of rows:
    entries.  mask: which of them the periods of a patch allow, None: all.
    """

    name: str
    block: Block
    base: Floats
    numbers: Floats
    whole: bool
    section: Section | None = None
    extent: Extent | None = None
    entries: Entries | None = None
    rows: Rows | None = None
    columns: Layout | None = None
    mask: np.ndarray | None = None

    @property
    def changed(self) -> bool:
        """Whether any number differs from the file's."""
        return not np.array_equal(self.base, self.numbers, equal_nan=True)


@dataclass(kw_only=True)
class Segment:
    """Periods [start, stop) that one PERIOD block, or one array of it, holds for.

    block: the block in the file.  targets: variable -> numbers, those that were asked for.
    """

    start: int
    stop: int
    block: Block
    targets: dict[str, Target] = field(default_factory=dict)

    def cut(self, period: int) -> "Segment":
        """Shorten this one to end before a period, and return the rest with the same numbers."""
        copies = {
            name: replace(target, numbers=target.numbers.copy())
            for name, target in self.targets.items()
        }
        rest = Segment(start=period, stop=self.stop, block=self.block, targets=copies)
        self.stop = period
        return rest


class Edit(NamedTuple):
    """Lines [first, last) of a file, replaced; first = last: put before that line."""

    first: int
    last: int
    lines: tuple[str, ...]


@dataclass(kw_only=True)
class Draft:
    """A file that patches change.

    source: as it is.  shapes: of the grids that its cell ids belong to.  periods: of the model.
    settings: block -> first words of a line -> what follows them, None: the line is left out.
    edits: lines that are written anew.  words: (line, word, what stands there instead).
    segments: of a list by the key `""`, of arrays by their name.  fixed: what has no period.
    """

    package: Package
    source: BlockFile
    grid: GridSize | None
    shapes: tuple[tuple[int, ...], ...]
    periods: int
    settings: dict[str, dict[str, str | None]] = field(default_factory=dict)
    edits: list[Edit] = field(default_factory=list)
    words: list[tuple[int, Word, str]] = field(default_factory=list)
    segments: dict[str, list[Segment]] = field(default_factory=dict)
    fixed: dict[tuple[int, str], Target] = field(default_factory=dict)

    @property
    def kind(self) -> str:
        """The package's type."""
        return self.package.type

    def stresses(self) -> list[Block]:
        """Its PERIOD blocks by their number, those beyond the last period left out."""
        found = [b for b in self.source.blocks if 0 < b.period <= self.periods]
        return sorted(found, key=lambda block: block.period)

    def layout(self, block: str) -> Layout:
        """The columns of a list block."""
        key = ("layout", block)
        if key not in self.source.kept:
            kind = self.kind
            found = lists.layout(self.source, kind, block, self.shapes)
            if block == "PERIOD" and kind in KEYED and (kind, block) not in ROWS:
                found = replace(found, names=(CELL,) if kind in BY_CELL else ("*number",))
            self.source.kept[key] = found
        kept: Layout = self.source.kept[key]
        return kept

    def auxiliary(self) -> tuple[str, ...]:
        """Names of auxiliary variables."""
        for key in ("AUXILIARY", "AUX"):
            names = self.source.option(key)
            if names is not None:
                return tuple(name.lower() for name in names)
        return ()

    def variables(self) -> list[str]:
        """Everything that can be patched here, in the order of the file."""
        found: dict[str, None] = {}
        for block in self.source.blocks:
            if self._holds_arrays(block):
                found |= dict.fromkeys(arrays.sections(self.source, block))
            elif block.name == "PERIOD" and self.kind in KEYED:
                found |= dict.fromkeys(self._settings(block))
            else:
                found |= dict.fromkeys(self.layout(block.name).numbers)
        return list(found)

    def _settings(self, block: Block) -> Iterator[str]:
        """Settings that a block makes."""
        columns = self.layout("PERIOD")
        found = lists.rows(self.source, block, columns)
        names = [(name, False) for name in KEYED[self.kind]]
        names += [(name, True) for name in self.auxiliary()]
        for name, auxiliary in names:
            if lists.setting(found, columns, name, self.kind, auxiliary).rows:
                yield name

    def _holds_arrays(self, block: Block) -> bool:
        if block.name == "PERIOD":
            return self.package.arrays
        return block.name == "GRIDDATA" or (block.name == "CONNECTIONDATA" and self.kind == "disu")

    def targets(self, variable: str, periods: Collection[int] | None) -> list[Target]:
        """The numbers of a variable; with `periods` those of these periods alone.

        ConfigError: periods that cannot be told apart.  Empty where there is no such variable.
        """
        found = [] if periods is not None else list(self._constant(variable))
        if self.kind == "tdis":
            return self._times(variable, periods)
        if self.package.arrays:
            return found + list(self._stress_arrays(variable, periods))
        if self.kind in REPLACED:
            return found + list(self._stresses(variable, periods))
        return found + list(self._lasting(variable, periods))

    def _constant(self, variable: str) -> Iterator[Target]:
        """What has no period: arrays of the grid and lists of features."""
        for block in self.source.blocks:
            if block.name == "PERIOD":
                continue
            if self._holds_arrays(block):
                section = arrays.sections(self.source, block).get(variable)
                if section is not None:
                    yield self._array(block, section)
            elif variable in self.layout(block.name).numbers:
                yield self._column(block, variable)

    def _array(self, block: Block, section: Section) -> Target:
        key = (section.first, section.name)
        if key not in self.fixed:
            self.fixed[key] = self._new_array(block, section)
        return self.fixed[key]

    def _new_array(self, block: Block, section: Section) -> Target:
        if section.source or not section.records:
            told = f"takes its numbers from {section.source or 'no record'!r}"
            raise ConfigError(
                f"{self.package.name}.{section.name} {told} ({self.source.at(section.first)}): "
                "not supported by a patch"
            )
        assert self.grid is not None
        nja = self._connections()
        size = arrays.extent(section.name, block.name, self.grid, section.layered, nja)
        base = arrays.values(self.source, section, size, self.source.folder)
        return Target(
            name=section.name,
            block=block,
            base=base,
            numbers=base.copy(),
            whole=section.name in arrays.INTEGERS,
            section=section,
            extent=size,
        )

    def _connections(self) -> int:
        sizes = {row[0].upper(): row[1] for row in self.source.words("DIMENSIONS") if row[1:]}
        return int(sizes.get("NJA", "0"))

    def _column(self, block: Block, variable: str) -> Target:
        key = (block.first, variable)
        if key not in self.fixed:
            self.fixed[key] = self._new_column(block, variable)
        return self.fixed[key]

    def _new_column(self, block: Block, variable: str, *, setting: bool = False) -> Target:
        columns = self.layout(block.name)
        found = lists.rows(self.source, block, columns)
        kept = self.source.kept
        key = ("entries", block.first, variable, setting)
        if key not in kept:
            auxiliary = variable in self.auxiliary()
            kept[key] = (
                lists.setting(found, columns, variable, self.kind, auxiliary)
                if setting
                else lists.column(found, columns, variable)
            )
        entries: Entries = kept[key]
        return Target(
            name=variable,
            block=block,
            base=entries.numbers,
            numbers=entries.numbers.copy(),
            whole=variable in WHOLE,
            entries=entries,
            rows=found,
            columns=columns,
        )

    def _times(self, variable: str, periods: Collection[int] | None) -> list[Target]:
        """Columns of the time discretisation; a row is a period."""
        if variable not in self.layout("PERIODDATA").numbers:
            return []
        block = self.source.block("PERIODDATA")
        assert block is not None
        target = self._column(block, variable)
        if periods is None:
            target.mask = None
        else:
            target.mask = np.isin(np.arange(1, target.numbers.size + 1), list(periods))
        return [target]

    def _stresses(self, variable: str, periods: Collection[int] | None) -> Iterator[Target]:
        """Columns of lists that are replaced as a whole."""
        if variable not in self.layout("PERIOD").numbers:
            return
        if "" not in self.segments:
            self.segments[""] = _stretches(self.stresses(), self.periods)
        for segment in _chosen(self.segments, "", periods):
            if variable not in segment.targets:
                segment.targets[variable] = self._new_column(segment.block, variable)
            yield segment.targets[variable]

    def _stress_arrays(self, variable: str, periods: Collection[int] | None) -> Iterator[Target]:
        if variable not in self.segments:
            holding = [
                block
                for block in self.stresses()
                if variable in arrays.sections(self.source, block)
            ]
            self.segments[variable] = _stretches(holding, self.periods)
        for segment in _chosen(self.segments, variable, periods):
            yield self.stress_array(segment, variable)

    def stress_array(self, segment: Segment, variable: str) -> Target:
        """The numbers of an array of a PERIOD block in a stretch."""
        if variable not in segment.targets:
            section = arrays.sections(self.source, segment.block)[variable]
            segment.targets[variable] = self._new_array(segment.block, section)
        return segment.targets[variable]

    def _lasting(self, variable: str, periods: Collection[int] | None) -> Iterator[Target]:
        """Rows that hold for one feature until it is set again."""
        columns = self.layout("PERIOD")
        setting = variable not in columns.numbers
        known = variable in KEYED.get(self.kind, {}) or (
            self.kind in KEYED and variable in self.auxiliary()
        )
        if setting and not known:
            return
        found = []
        for block in self.stresses():
            key = (block.first, variable)
            if key not in self.fixed:
                self.fixed[key] = self._new_column(block, variable, setting=setting)
            if self.fixed[key].numbers.size:
                found.append(self.fixed[key])
        self._allow(found, variable, periods)
        yield from found

    def _allow(self, found: list[Target], variable: str, periods: Collection[int] | None) -> None:
        """Masks of the rows that hold for these periods alone."""
        columns = self.layout("PERIOD")
        setting = variable not in columns.numbers
        width = columns.widths[CELL] if self.kind in BY_CELL else 1
        width += setting
        following: dict[tuple[str, ...], int] = {}
        for target in reversed(found):
            if periods is None:
                target.mask = None
                continue
            assert target.entries is not None and target.rows is not None
            mask = np.zeros(target.numbers.size, dtype=bool)
            keys = [_holder(text, width) for text in target.entries.before]
            start = target.block.period
            for at, key in enumerate(keys):
                lasts = set(range(start, following.get(key, self.periods + 1)))
                mask[at] = lasts <= set(periods)
                if lasts & set(periods) and not mask[at]:
                    row = target.rows.at(target.entries.rows[at])
                    raise ConfigError(
                        f"{self.package.name}.{variable} of {row} holds for periods {min(lasts)} "
                        f"to {max(lasts)}; a patch of some of them alone is not supported"
                    )
            following |= dict.fromkeys(keys, start)
            target.mask = mask


def _holder(text: str, width: int) -> tuple[str, ...]:
    """What a row sets: its feature, and the word of the setting."""
    return tuple(blocks.texts(text.upper())[:width])


def _stretches(found: list[Block], periods: int) -> list[Segment]:
    starts = [block.period for block in found]
    ends = [*starts[1:], periods + 1]
    return [
        Segment(start=block.period, stop=end, block=block)
        for block, end in zip(found, ends, strict=True)
    ]


def _chosen(
    segments: dict[str, list[Segment]], key: str, periods: Collection[int] | None
) -> list[Segment]:
    """The segments of these periods, cut where others begin."""
    if periods is None:
        return segments[key]
    kept: list[Segment] = []
    chosen: list[Segment] = []
    for segment in segments[key]:
        now = segment
        for period in range(segment.start + 1, segment.stop):
            if (period in periods) != (period - 1 in periods):
                rest = now.cut(period)
                kept.append(now)
                now = rest
        kept.append(now)
    segments[key] = kept
    chosen = [segment for segment in kept if segment.start in periods]
    return chosen


def features(target: Target) -> list[str]:
    """The feature that each row of a target belongs to."""
    assert target.rows is not None and target.entries is not None
    found = lists.features(target.rows)
    return [found[row] for row in target.entries.rows] if found else []


def boundaries(draft: Draft, target: Target) -> list[str]:
    """The boundary's name of each row of a target, upper case; none where there are no names."""
    assert target.rows is not None and target.columns is not None and target.entries is not None
    if target.rows.table is not None:
        return []
    if target.columns.named and target.columns.length > 1:
        names = lists.boundaries(target.rows, target.columns)
        return [names[row] for row in target.entries.rows]
    block, columns = draft.source.block("PACKAGEDATA"), draft.layout("PACKAGEDATA")
    if block is None or not columns.named:
        return []
    found = lists.rows(draft.source, block, columns)
    named = dict(zip(lists.features(found), lists.boundaries(found, columns), strict=True))
    return [named.get(feature, "") for feature in features(target)]
