"""Maps of cells and bars: to scale, in metres or kilometres, every name in the legend."""

import pytest

pytest.importorskip("matplotlib")

from mhx.report import maps, style

SQUARES = [[[x, 0], [x, 1], [x + 1, 1], [x + 1, 0]] for x in range(3)]


def cell_map(**other):
    words = {
        "polygons": SQUARES,
        "values": [1.0, 2.0, 3.0],
        "extent": (0.0, 3.0, 0.0, 1.0),
        "title": "Squares",
        "colour_label": "number  [1]",
        "limits": (1.0, 3.0),
    }
    return maps.CellMap(**{**words, **other})


def axes_of(extent):
    made = style.figure(4, 4)
    axes = made.add_axes((0.1, 0.1, 0.8, 0.8))
    axes.set(xlim=extent[:2], ylim=extent[2:])
    maps.label_axes(axes, extent)
    made.canvas.draw()
    return axes


def ticks(axis):
    return [label.get_text() for label in axis.get_ticklabels()]


def test_axes_count_metres_from_the_corner_that_they_name():
    axes = axes_of((461737.5, 469462.5, 6863512.5, 6870037.5))
    assert axes.get_xlabel() == "$x$  [m]  from 461738 m"
    assert ticks(axes.xaxis)[:2] == ["0", "2000"]


def test_large_boxes_are_in_kilometres():
    axes = axes_of((0.0, 45000.0, 0.0, 30000.0))
    assert axes.get_xlabel() == "$x$  [km]"
    assert ticks(axes.xaxis) == ["0", "10", "20", "30", "40"]


def test_a_map_is_written_with_all_its_parts(tmp_path):
    path = tmp_path / "map.png"
    drawn = cell_map(
        note="three of them",
        lines=[[[0, 0.5], [3, 0.5]]],
        lines_label="a line",
        special=[maps.Special(polygons=SQUARES[:1], label="first", color=style.RED, hatch="//")],
        contours=maps.Contours(
            x=[0, 3, 0, 3], y=[0, 0, 1, 1], triangles=[[0, 1, 2], [1, 3, 2]],
            values=[1.0, 3.0, 1.0, 3.0], levels=[1.5, 2.5],
        ),
    )  # fmt: skip
    maps.cell_map(path, drawn, [maps.Histogram(values=[1, 2, 2], title="How many", xlabel="n")])
    assert path.read_bytes().startswith(b"\x89PNG")


def test_the_legend_names_what_is_drawn_and_nothing_else():
    special = [
        maps.Special(polygons=SQUARES[:1], label="first", color=style.RED),
        maps.Special(polygons=[], label="none of these", color=style.RED),
    ]
    assert [one.get_label() for one in maps._names(cell_map(special=special))] == ["first"]
    named = maps._names(cell_map(lines=[[[0, 0], [1, 1]]], lines_label="river"))
    assert [one.get_label() for one in named] == ["river"]


def test_bars_are_written(tmp_path):
    path = tmp_path / "bars.png"
    maps.bars(path, [maps.Bar(name="chd", inward=0.0, outward=2.0)], "Budget", "rate  [L/s]", "now")
    assert path.stat().st_size > 1000


def figures_of(monkeypatch):
    """What is drawn into, instead of files."""
    made = []
    monkeypatch.setattr(style, "save", lambda figure, path: made.append(figure))
    return made


def test_maps_side_by_side_have_one_bar_and_name_what_stands_out_once(tmp_path, monkeypatch):
    made = figures_of(monkeypatch)
    special = [maps.Special(polygons=SQUARES[:1], label="first", color=style.RED)]
    drawn = [cell_map(title=f"{n} d", special=special) for n in range(5)]
    maps.cell_maps(tmp_path / "maps.png", drawn, "Squares over time", "five of them")
    (figure,) = made
    *panels, bar = figure.axes
    assert [axes.get_title(loc="left") for axes in panels] == [f"{n} d" for n in range(5)]
    assert bar.get_ylabel() == "number  [1]"
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["first"]
    for axes in panels:
        assert axes.collections[0].get_clim() == (1.0, 3.0)
    inside = [text.get_text() for text in figure.texts]
    assert inside == ["Squares over time", "five of them", "$x$  [m]", "$y$  [m]"]


@pytest.mark.parametrize(
    "extent", [(0.0, 30.0, 0.0, 1.0), (0.0, 3.0, 0.0, 3.0), (0.0, 1.0, 0.0, 9.0)]
)
def test_maps_side_by_side_keep_their_proportions_and_stay_on_the_page(
    extent, tmp_path, monkeypatch
):
    made = figures_of(monkeypatch)
    maps.cell_maps(tmp_path / "maps.png", [cell_map(extent=extent)] * 6, "Squares")
    figure = made[0]
    width, height = figure.get_size_inches()
    assert max(width, height) < 16
    for axes in figure.axes:
        box = axes.get_position()
        assert 0 < box.x0 < box.x1 < 1 and 0 < box.y0 < box.y1 < 1
    box = figure.axes[0].get_position()
    ratio = (box.height * height) / (box.width * width)
    assert ratio == pytest.approx(max((extent[3] - extent[2]) / (extent[1] - extent[0]), 0.2))


def test_maps_of_many_cells_have_no_seams(tmp_path, monkeypatch):
    made = figures_of(monkeypatch)
    maps.cell_map(tmp_path / "map.png", cell_map(edges=0.0))
    cells = made[0].axes[0].collections[0]
    made[0].canvas.draw()
    assert cells.get_edgecolor() == pytest.approx(cells.get_facecolor())
