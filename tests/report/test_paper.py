"""Figures for a journal: lettered panels, at the width of a column, nothing cut off."""

import numpy as np
import pytest
from PIL import Image

from mhx.report import paper, style
from mhx.report.plots import Band, Curve, Level, Panel, Span, Upright


@pytest.fixture
def drawn(monkeypatch):
    """The figures that were saved."""
    figures = []
    save = style.save
    monkeypatch.setattr(style, "save", lambda made, path: (figures.append(made), save(made, path)))
    return figures


def panel(**changes):
    given = {"title": "Flux", "ylabel": "f  [1]", "curves": [Curve(x=[0, 1, 2], y=[1, 10, 100])]}
    return Panel(**(given | changes))


def test_a_column_is_3_4_inch_at_300_dots_per_inch(tmp_path):
    paper.figure(tmp_path / "p.png", [panel(), panel()])
    with Image.open(tmp_path / "p.png") as picture:
        assert picture.size[0] == 3.4 * 300
        assert picture.info["dpi"] == pytest.approx((300, 300), abs=0.1)


def test_panels_are_lettered_in_reading_order_and_one_alone_is_not(drawn, tmp_path):
    paper.figure(tmp_path / "p.png", [panel()] * 3, paper.SIDE_BY_SIDE)
    paper.figure(tmp_path / "q.png", [panel()])
    assert [axes.get_title("left") for axes in drawn[0].axes] == [
        "(a)  Flux", "(b)  Flux", "(c)  Flux",
    ]  # fmt: skip
    assert [axes.get_title("left") for axes in drawn[1].axes] == ["Flux"]


def test_no_word_is_cut_off(drawn, tmp_path):
    full = panel(
        note="fit 0.0811 \u00b1 0.0003, \u22122.9 % of the eigenvalue",
        bands=[Band(low=2, high=4, label="bound")],
        spans=[Span(start=0.5, end=1, label="window")],
        uprights=[Upright(x=1.5, label="saturated")],
        levels=[Level(y=3, label="eigenvalue")],
    )
    words = panel(yticks={"rate, fixed window": 10, "final energy": 50})
    paper.figure(tmp_path / "p.png", [full, words, panel(log=True), panel()], paper.SIDE_BY_SIDE)
    made = drawn[0]
    width, height = made.canvas.get_width_height()
    for axes in made.axes:
        box = axes.get_tightbbox(made.canvas.get_renderer())
        assert min(box.x0, box.y0) >= 0
        assert box.x1 <= width
        assert box.y1 <= height


def test_equal_numbers_are_equal_bytes(tmp_path):
    for name in ("a.png", "b.png"):
        paper.figure(tmp_path / name, [panel(log=True, note="one")])
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


def test_points_bars_and_words_stand_where_they_were_asked_for(drawn, tmp_path):
    rows = panel(
        curves=[
            Curve(x=[1e-3, 1e-1], y=[1, 2], x_error=[1e-4, 1e-2], dash="", marker="o", hollow=True)
        ],
        xlog=True,
        yticks={"flux": 1, "width": 2},
        xlim=(1e-4, 1),
    )
    paper.figure(tmp_path / "p.png", [rows])
    (axes,) = drawn[0].axes
    assert axes.get_xscale() == "log"
    assert axes.get_xlim() == (1e-4, 1)
    assert [label.get_text() for label in axes.get_yticklabels()] == ["flux", "width"]
    (bar,) = axes.containers
    line, _, (segments,) = bar.lines
    assert line.get_marker() == "o"
    assert line.get_markerfacecolor() == "white"
    np.testing.assert_allclose(segments.get_segments()[1], [[0.09, 2], [0.11, 2]])


def test_a_power_of_ten_does_not_stand_in_the_note(drawn, tmp_path):
    small = panel(curves=[Curve(x=[0, 1], y=[1e-6, 4e-6])], note="a note of some words")
    paper.figure(tmp_path / "p.png", [small])
    (axes,) = drawn[0].axes
    renderer = drawn[0].canvas.get_renderer()
    power = axes.yaxis.get_offset_text()
    (note,) = axes.texts
    assert power.get_text()
    assert not power.get_window_extent(renderer).overlaps(note.get_window_extent(renderer))
