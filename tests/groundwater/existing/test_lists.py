"""Rows of lists: one word is found and replaced, all others stay, whatever stands between them."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mhx.errors import ConfigError
from mhx.groundwater.existing import blocks, lists
from mhx.groundwater.existing.lists import Layout, Rows

GAPS = st.sampled_from([" ", "\t", "   ", ", ", " ,\t"])
WORDS = st.sampled_from(["1", "-2.5", "1.d-5", "pump", "'two words'", '"a, b"', "x#y", "3*4"])
COLUMNS = Layout(
    names=("*a", "cellid", "b", "c"), widths={"cellid": 2, "cellid2": 2}, shape=(4, 9), named=True
)


def rows(*lines: str) -> Rows:
    return Rows(path=Path("x.wel"), lines=lines, places=tuple(range(len(lines))))


@given(st.lists(st.tuples(GAPS, WORDS), min_size=5, max_size=8), st.sampled_from("bc"))
def test_a_new_word_leaves_all_others_alone(parts: list[tuple[str, str]], name: str) -> None:
    line = "".join(gap + word for gap, word in parts) + " # end\r"
    found = lists.column(rows(line), COLUMNS, name)
    place = COLUMNS.place(name)
    assert found.words == (parts[place][1],)
    assert found.before[0] + found.words[0] + found.after[0] == line
    new = lists.replaced(line, [(found.before[0], found.words[0], found.after[0], "7.25")])
    expected = [word.text for word in blocks.words(line)]
    expected[place] = "7.25"
    assert [word.text for word in blocks.words(new)] == expected
    assert new.endswith(" # end\r")


def test_two_words_of_a_row_are_replaced_at_once() -> None:
    line = " 1  2 3\t40. 5.0 name"
    cuts = []
    for name, text in (("c", "six"), ("b", "-1")):
        found = lists.column(rows(line), COLUMNS, name)
        cuts.append((found.before[0], found.words[0], found.after[0], text))
    assert lists.replaced(line, cuts) == " 1  2 3\t-1 six name"


def test_a_cell_may_be_none() -> None:
    found = rows("1 2 3 4.0 5.0", "2 NONE 6.0 7.0 north", "3 none 8.0 9.0")
    assert lists.column(found, COLUMNS, "b").numbers.tolist() == [4.0, 6.0, 8.0]
    assert lists.nodes(found, COLUMNS).tolist() == [1 * 9 + 2, -1, -1]
    assert lists.boundaries(found, COLUMNS) == ["", "NORTH", ""]
    assert lists.features(found) == ["1", "2", "3"]


def test_a_row_that_is_too_short_is_not_cut_in_the_middle_of_a_word() -> None:
    with pytest.raises(
        ConfigError, match=r"x\.wel:2  has no word for c: it must hold a cellid b c"
    ):
        lists.column(rows("1 2 3 4 5", "111 222 333 444"), COLUMNS, "c")


def test_a_cell_outside_of_the_grid_is_told_by_its_line() -> None:
    with pytest.raises(ConfigError, match=r"x\.wel:1  lies outside the grid of \(4, 9\)"):
        lists.nodes(rows("1 5 3 4 5"), COLUMNS)


def test_names_of_time_series_are_no_numbers() -> None:
    found = lists.column(rows("1 1 1 2.0 0", "1 1 1 rate 0"), COLUMNS, "b")
    assert found.numbers[0] == 2.0 and np.isnan(found.numbers[1])


@pytest.mark.parametrize(
    ("shape", "ids", "node"),
    [((2, 3, 4), (2, 1, 4), 15), ((2, 12), (2, 4), 15), ((24,), (16,), 15)],
)
def test_cells_are_counted_layer_by_layer(
    shape: tuple[int, ...], ids: tuple[int, ...], node: int
) -> None:
    assert lists.node_of(np.array([ids]), shape).tolist() == [node]
