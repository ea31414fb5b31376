"""Lines, words and blocks as MODFLOW 6 reads them."""

from pathlib import Path

import pytest

from mhx.errors import ConfigError
from mhx.groundwater.existing import blocks

HERE = Path("x.npf")


def parsed(text: str) -> blocks.BlockFile:
    return blocks.parse(HERE, text, Path())


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("  a\tb, c,d", ["a", "b", "c", "d"]),
        ("'in put/x y.dis' \"it's\" 'open", ["in put/x y.dis", "it's", "open"]),
        ("k  LAYERED\r", ["k", "LAYERED"]),
        ("'a''b'c", ["a", "b", "c"]),
        ("", []),
    ],
)
def test_words_end_at_blanks_tabs_and_commas_and_quotes_hold_them(
    line: str, words: list[str]
) -> None:
    assert [word.text for word in blocks.words(line)] == words
    assert blocks.texts(line) == words


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1", 1.0), ("-1.", -1.0), (".5", 0.5), ("1.d-5", 1e-5), ("2D+3", 2000.0),
        ("1-5", 1e-5), ("1.5+2", 150.0), ("1e3", 1000.0),
        ("pump", None), ("nan", None), ("inf", None), ("1_0", None), ("d5", None), ("", None),
    ],
)  # fmt: skip
def test_numbers_are_those_of_fortran(text: str, value: float | None) -> None:
    assert blocks.real(text) == (None if value is None else pytest.approx(value, rel=1e-15))


@pytest.mark.parametrize("line", ["", "  ", "\t# a", " ! b", "//c", " //", "\r"])
def test_comments_and_empty_lines_are_skipped(line: str) -> None:
    assert blocks.is_comment(line)
    assert not blocks.is_comment(line + "/ x") or line.strip()


def test_blocks_are_found_whatever_their_case_and_blanks() -> None:
    source = parsed("# c\n\tBegin Options\n  XT3D\nEND options\nbegin,period 3\n 1\nend period")
    assert [(b.name, b.label, b.first, b.last) for b in source.blocks] == [
        ("OPTIONS", "", 1, 3), ("PERIOD", "3", 4, 6),
    ]  # fmt: skip
    assert source.blocks[1].period == 3
    assert source.option("XT3D") == []
    assert source.option("NEWTON") is None


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("begin options\n", r"x\.npf:1  BEGIN OPTIONS has no END"),
        ("begin options\nbegin period 1\n", r"x\.npf:2  BEGIN PERIOD stands before END OPTIONS"),
        ("begin a\nend b\n", r"x\.npf:2  END B stands after BEGIN A"),
        ("end b\n", r"x\.npf:1  END B stands after no BEGIN"),
    ],
)
def test_a_block_that_does_not_end_is_told_by_its_line(text: str, told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        parsed(text)


def test_a_number_that_begins_like_a_block_is_none() -> None:
    assert parsed("begin griddata\nbotm\n constant 1\nendless\nend griddata").blocks[0].last == 4


def test_a_block_may_be_read_from_another_file(tmp_path: Path) -> None:
    (tmp_path / "o.txt").write_text("# none\nsave_flows\n")
    text = "begin options\n open/close o.txt\n xt3d\nend options\n"
    source = blocks.parse(tmp_path / "x.npf", text, tmp_path)
    assert source.words("options") == [["save_flows"], ["xt3d"]]


@pytest.mark.parametrize("name", ["k.txt", "in put/k.txt", "it's.txt", "grö\udcff.txt"])
def test_names_of_files_survive_being_written_and_read(name: str) -> None:
    word = blocks.word_of(name)
    assert blocks.file_name(blocks.words(word)[0].text) == name
