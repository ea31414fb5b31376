"""Still pictures: what is in the numbers is in the axes; equal numbers are equal bytes."""

import math

import pytest
from PIL import Image

from mhx.report import plots, style
from mhx.report.plots import Curve, Level, Map, Marks, Panel, Span


@pytest.fixture
def drawn(monkeypatch):
    """The figures that were saved."""
    figures = []
    save = style.save
    monkeypatch.setattr(style, "save", lambda made, path: (figures.append(made), save(made, path)))
    return figures


def panel(**changes):
    given = {"title": "A", "ylabel": "y  [1]", "curves": [Curve(x=[0, 1, 2], y=[1, 10, 100])]}
    return Panel(**(given | changes))


def test_one_panel_each_in_reading_order(drawn, tmp_path):
    plots.panels(tmp_path / "p.png", [panel(title=name) for name in "ABC"])
    axes = drawn[0].axes
    assert [a.get_title("left") for a in axes] == ["A", "B", "C"]
    a, b, c = (each.get_position() for each in axes)
    assert a.y0 == b.y0 > c.y0
    assert a.x0 == c.x0 < b.x0


def test_units_and_symbols_stand_on_both_axes(drawn, tmp_path):
    plots.panels(tmp_path / "p.png", [panel()])
    assert drawn[0].axes[0].get_ylabel() == "y  [1]"
    assert drawn[0].axes[0].get_xlabel() == "time  $t$  [$L/v_A$]"


def test_a_logarithmic_axis_leaves_zeros_out_and_shows_powers_of_ten(drawn, tmp_path):
    curve = Curve(x=[0, 1, 2], y=[0, 2e-3, 4e-3])
    plots.panels(tmp_path / "p.png", [panel(curves=[curve], log=True)])
    (axes,) = drawn[0].axes
    assert axes.get_yscale() == "log"
    assert axes.get_ylim() == pytest.approx((1e-3, 1e-2))


HOPELESS = {
    "zeros": [0.0, 0.0, 0.0],
    "no numbers": [math.nan] * 3,
    "negative": [-1.0, -2.0, -3.0],
    "a constant": [5.0, 5.0, 5.0],
}


@pytest.mark.parametrize("values", HOPELESS.values(), ids=HOPELESS)
@pytest.mark.parametrize("log", [False, True])
def test_any_series_can_be_drawn(tmp_path, values, log):
    curve = Curve(x=[0, 1, 2], y=values, label="f")
    plots.panels(tmp_path / "p.png", [panel(curves=[curve], log=log, from_zero=not log)])
    assert (tmp_path / "p.png").stat().st_size > 1000


def test_names_of_curves_bounds_and_stretches_stand_in_the_legend(drawn, tmp_path):
    full = panel(
        curves=[Curve(x=[0, 1], y=[1, 2], label="flux")],
        levels=[Level(y=3, label="bound 3")],
        spans=[Span(start=0, end=1, label="linear window")],
    )
    plots.panels(tmp_path / "p.png", [full])
    texts = {text.get_text() for text in drawn[0].axes[0].get_legend().get_texts()}
    assert texts == {"flux", "bound 3", "linear window"}


def test_no_label_is_cut_off(drawn, tmp_path):
    wide = panel(curves=[Curve(x=[0, 1], y=[-0.0015, 0.0015])])
    plots.panels(tmp_path / "p.png", [wide, wide, wide, panel(log=True)])
    made = drawn[0]
    width, height = made.canvas.get_width_height()
    for axes in made.axes:
        box = axes.get_tightbbox(made.canvas.get_renderer())
        assert box.x0 >= 0
        assert box.y0 >= 0
        assert box.x1 <= width
        assert box.y1 <= height


def test_equal_numbers_are_equal_bytes(tmp_path):
    for name in ("a.png", "b.png"):
        plots.panels(tmp_path / name, [panel()])
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


def test_the_callers_style_is_left_alone(tmp_path):
    import matplotlib as mpl

    before = mpl.rcParams.copy()
    plots.panels(tmp_path / "p.png", [panel()])
    assert mpl.rcParams == before


def a_map(**changes):
    given = {
        "x": [0.5, 1.5, 2.5, 3.5], "y": [0.5, 1.5], "colour": [[1, 2, 3, 4], [0, 0, -8, 0]],
        "lines": [[0, 1, 2, 3], [1, 2, 3, 4]], "extent": (0, 4, 0, 2), "limit": 8.0,
        "title": "j", "colour_label": "$j$  [$v_A/L$]",
        "marks": [Marks(x=[1.0], y=[1.5], label="X point", marker="X", color="black")],
    }  # fmt: skip
    return Map(**(given | changes))


def test_a_map_keeps_the_proportions_of_the_box(drawn, tmp_path):
    boxes = [(4, 2), (2, 6.0), (6.28, 6.28)]
    for x, y in boxes:
        plots.field_map(tmp_path / "m.png", a_map(extent=(0, x, 0, y)))
    for made, (x, y) in zip(drawn, boxes, strict=True):
        width, height = made.get_size_inches()
        box = made.axes[0].get_position()
        assert box.height * height / (box.width * width) == pytest.approx(y / x, rel=1e-6)


def test_a_map_has_a_symmetric_colour_bar_and_its_marks(drawn, tmp_path):
    plots.field_map(tmp_path / "m.png", a_map())
    main, bar = drawn[0].axes
    assert main.images[0].get_clim() == (-8.0, 8.0)
    assert bar.get_ylabel() == "$j$  [$v_A/L$]"
    (mark,) = main.lines
    assert (mark.get_xdata().tolist(), mark.get_ydata().tolist()) == ([1.0], [1.5])
    with Image.open(tmp_path / "m.png") as picture:
        assert picture.size[0] > picture.size[1]
