"""Pictures as SVG: whole markup inside the frame whatever the numbers; ticks as a reader knows."""

import math
import re
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mhx.report.charts import HEIGHT, WIDTH, Axis, Bar, Line, Picture, bars, draw, histogram
from mhx.report.scales import scale_of

NUMBERS = st.floats() | st.sampled_from([0.0, 1e-320, -1e308, 1.7e308, math.inf, math.nan])
NUMBER = re.compile(r"-?\d+(?:\.\d+)?")


def coordinates(svg):
    root = ElementTree.fromstring(svg)
    found = []
    for element in root.iter():
        for key in ("d", "points"):
            numbers = [float(n) for n in NUMBER.findall(element.get(key, ""))]
            found += [n for n in numbers if n]
        found += [
            float(element.get(key)) for key in ("x", "y", "width", "height") if element.get(key)
        ]
    return found


@given(st.lists(st.tuples(NUMBERS, NUMBERS), max_size=8), st.booleans(), st.booleans(), st.text())
def test_any_numbers_stay_inside_the_frame(points, log_x, log_y, words):
    x, y = [a for a, _ in points], [b for _, b in points]
    words = re.sub(r"[^\x20-\x7e]", "", words)
    svg = draw(
        Picture(title=words, x=Axis(label=words, log=log_x), y=Axis(label=words, log=log_y),
                lines=[Line(x=x, y=y, label=words)],
                bars=[Bar(x=a, low=b, high=b) for a, b in points],
                rules=[(b, words) for b in y], legend=True)
    )  # fmt: skip
    assert all(-30 <= n <= WIDTH + 30 for n in coordinates(svg))
    assert ElementTree.fromstring(svg).get("aria-label") == words


@given(st.lists(st.floats(-1e300, 1e300), min_size=1, max_size=9))
def test_a_histogram_of_any_numbers_stays_inside_the_frame(values):
    from mhx.evidence.statistics import ensemble

    found = ensemble(values)
    marks = [(name, value) for name, value in found.quantiles.items()]
    svg = histogram("t", "m", found.edges, found.counts, marks)
    assert all(-30 <= n <= WIDTH + 30 for n in coordinates(svg))
    assert svg.count('class="bar"') == len(found.counts)


def test_points_lie_where_their_numbers_say():
    svg = draw(Picture(title="t", x=Axis(), y=Axis(), lines=[Line(x=[0, 1, 2], y=[0, 5, 10])]))
    [line] = [e for e in ElementTree.fromstring(svg).iter() if e.tag.endswith("polyline")]
    points = [tuple(map(float, pair.split(","))) for pair in line.get("points").split()]
    assert points[1] == pytest.approx([(points[0][n] + points[2][n]) / 2 for n in (0, 1)], abs=0.11)
    assert points[0][1] > points[2][1]  # up is more
    assert points[0][0] < points[2][0]


def test_decades_lie_equally_apart_on_a_logarithmic_axis():
    scale = scale_of([1e-6, 1e-4], log=True)
    shares = [scale.share(10.0**e) for e in (-6, -5, -4)]
    assert shares[1] - shares[0] == pytest.approx(shares[2] - shares[1])
    assert not scale.holds(0.0)
    assert scale.holds(1e-9)


TICKS = {
    "plain": ([0, 10], {}, ["0", "2", "4", "6", "8", "10"], ""),
    "fractions": ([0.1, 0.3], {}, ["0.10", "0.15", "0.20", "0.25", "0.30"], ""),
    "small": ([5e-6, 2e-5], {}, ["0.5", "1.0", "1.5", "2.0"], "\u00d7 10\u207b\u2075"),
    "counted from a base": ([0.05158121, 0.05158187], {}, ["0", "2", "4", "6"],
                            "0.0515812 + \u00d7 10\u207b\u2077"),
    "across zero": ([-1, 1], {}, ["-1.0", "-0.5", "0.0", "0.5", "1.0"], ""),
    "logarithmic": ([1e-6, 1e-4], {"log": True}, ["10\u207b\u2076", "10\u207b\u2075",
                                                    "10\u207b\u2074"], ""),
    "less than a decade": ([5e-6, 2e-5], {"log": True}, ["5\u00b710\u207b\u2076", "10\u207b\u2075",
                                                        "2\u00b710\u207b\u2075"], ""),
    "counts": ([0, 3], {"whole": True}, ["0", "1", "2", "3"], ""),
    "names": ([], {"names": ["low", "high"]}, ["low", "high"], ""),
    "nothing": ([], {}, [], ""),
}  # fmt: skip


@pytest.mark.parametrize(("values", "keys", "labels", "factor"), TICKS.values(), ids=TICKS)
def test_ticks(values, keys, labels, factor):
    scale = scale_of(values, **{"log": False, **keys})
    found = [text for _, text in scale.ticks]
    assert found[: len(labels)] == labels
    assert scale.factor == factor


@given(st.lists(st.floats(-1e300, 1e300), min_size=1, max_size=5), st.booleans())
def test_ticks_lie_on_their_scale_and_are_few(values, log):
    scale = scale_of(values, log=log)
    assert all(-1e-6 <= scale.share(tick) <= 1 + 1e-6 for tick, _ in scale.ticks)
    assert len(scale.ticks) <= 14


def test_words_are_escaped():
    svg = bars('<b>"', "<i>", [("<u>&", 0.0, 1.0, "<s>")])
    assert not re.search(r"<[buis]>", svg)
    assert ElementTree.fromstring(svg).get("aria-label") == '<b>"'


def test_bars_run_from_start_to_end():
    svg = bars("t", "m", [("a", 1.0, 3.0, ""), ("b", 1.0, 2.0, "")], centre=1.0)
    widths = [
        float(e.get("width")) for e in ElementTree.fromstring(svg).iter() if e.get("class") == "bar"
    ]
    assert widths[0] == pytest.approx(2 * widths[1], abs=0.2)


def test_a_picture_is_small():
    xs = list(range(1000))
    svg = draw(Picture(title="t", x=Axis(), y=Axis(), lines=[Line(x=xs, y=xs, joined=False)]))
    assert len(svg) < 20_000
    assert HEIGHT < WIDTH
