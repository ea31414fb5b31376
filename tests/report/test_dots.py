"""Rows of dots with bounds, and pictures inside a page."""

from pathlib import Path

import pytest

pytest.importorskip("matplotlib")

from mhx.report import dots
from mhx.report.pictures import embedded

PNG = b"\x89PNG\r\n\x1a\n"


@pytest.mark.slow
def test_long_names_have_a_row_each(tmp_path: Path) -> None:
    path = tmp_path / "dots.png"
    names = [f"a method with a name as long as this, number {n}" for n in range(9)]
    series = [
        dots.Series(label="water", values={names[0]: 1e-9, names[8]: 1e-3}, color="b", marker="o"),
        dots.Series(label="solute", values={names[0]: 1e-12}, color="r", marker="s"),
    ]
    bounds = [dots.Bound(x=1e-3, label="OK", color="g")]
    dots.draw(path, names, series, bounds, ("Balances", "lost over throughput"))
    assert path.read_bytes().startswith(PNG)


def test_a_picture_on_a_page_is_the_picture_itself(tmp_path: Path) -> None:
    path = tmp_path / "p.png"
    path.write_bytes(PNG + b"\x00")
    chart = embedded(path, 'a "map" of <heads> & more')
    assert chart.svg == (
        '<img alt="a &quot;map&quot; of &lt;heads&gt; &amp; more" '
        'src="data:image/png;base64,iVBORw0KGgoA">'
    )
    assert chart.wide
