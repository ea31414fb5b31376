"""What the picture of measured data holds: the line of agreement, the worst value, series."""

import math

import numpy as np
import pytest

from mhx.groundwater.measured.rows import Row
from mhx.groundwater.measured.simulated import Pair
from mhx.groundwater.measured.statistics import statistics


def pair(name, observed, simulated, time=None, quantity="head", **changes):
    given = {"place": ("observation", 0), "id": name, "quantity": quantity, "model": None}
    given |= {"x": None, "y": None, "cell": 0, "layer": 1, "boundary": None, "time": time}
    row = Row(**{**given, "value": observed, "standard_deviation": 0.1, "weight": 1.0, **changes})
    history = (np.array([0.0, 9.0]), np.array([observed, simulated]))
    return Pair(row=row, time_d=time, cell=0, simulated=simulated, history=history)


@pytest.fixture
def drawn(monkeypatch, tmp_path):
    """The panels that pairs lead to."""
    figures = pytest.importorskip("mhx.groundwater.measured.figures")
    found = []
    monkeypatch.setattr(figures.plots, "panels", lambda path, panels: found.extend(panels))

    def draw(*pairs):
        found.clear()
        figures.draw(tmp_path / "x.png", pairs, statistics(pairs))
        return list(found)

    return draw


def test_the_worst_value_is_named_and_stands_apart(drawn):
    (panel,) = drawn(pair("b1", 1.0, 1.1), pair("b2", 2.0, 2.5), pair("b3", 3.0, 9.0, weight=0.0))
    line, counted, shown, worst = panel.curves
    assert line.x == line.y == panel.xlim == panel.ylim
    assert (counted.x, counted.y, counted.x_error) == ([1.0], [1.1], [0.1])
    assert (shown.label, shown.y) == ("1 value of weight 0", [9.0])
    assert worst.label == "worst: b2, +0.5 m"
    assert panel.note == "bias +0.3 m, RMSE 0.361 m, R² 0.48"


def test_small_flows_are_litres_and_have_a_panel_of_their_own(drawn):
    heads, flows = drawn(
        pair("b1", 1.0, 1.1), pair("spring", -2e-3, -1e-3, quantity="flow", boundary="spring")
    )
    assert (heads.xlabel, flows.xlabel) == ("observed  [m]", "observed  [L/s]")
    assert flows.curves[-1].label == "worst: spring, +1 L/s"


def test_series_are_drawn_over_time_the_farthest_off_first(drawn):
    near = [pair("near", 1.0, 1.1, time) for time in (1.0, 2.0)]
    far = [pair("far", 1.0, 3.0, time) for time in (2.0, 1.0)]
    _, first, second = drawn(*near, *far, pair("once", 1.0, 1.0, 3.0))
    assert [first.title, second.title] == ["far", "near"]
    simulated, observed = first.curves
    assert list(simulated.x) == [0.0, 9.0]  # every saved step, not only those of the data
    assert list(observed.x) == [1.0, 2.0]


def test_dry_cells_alone_leave_no_picture(drawn):
    assert drawn(pair("b1", 1.0, math.nan)) == []
