"""The gate matrix: every gate has its row, its verdict in colour and in word."""

import pytest
from PIL import Image

from mhx.evidence.gates import Gate, judge
from mhx.report import matrix, style

COLOURS = {"pass": "#d5efe4", "fail": "#c44601", "unknown": "#f6dd9b"}
VALUES = {"pass": 1.0, "fail": 3.0, "unknown": None}


def results(verdicts):
    gates = [
        Gate(name=f"gate_{n}", metric=f"m{n}", high=2, reason="r") for n in range(len(verdicts))
    ]
    return [
        judge(gate, {gate.metric: VALUES[verdict]})
        for gate, verdict in zip(gates, verdicts, strict=True)
    ]


def area(path, colour):
    wanted = tuple(int(colour[n : n + 2], 16) for n in (1, 3, 5))
    with Image.open(path) as picture:
        counts = {shade: n for n, shade in picture.convert("RGB").getcolors(2**24)}
    return counts.get(wanted, 0)


@pytest.mark.parametrize("verdict", COLOURS)
def test_each_verdict_has_its_colour(tmp_path, verdict):
    path = tmp_path / "m.png"
    matrix.gate_matrix(path, {"Numerics": results([verdict])}, title="Gates")
    for name, colour in COLOURS.items():
        assert (area(path, colour) > 500) == (name == verdict)


def test_two_rows_of_a_verdict_are_twice_the_colour_of_one(tmp_path):
    for count in (1, 2):
        matrix.gate_matrix(tmp_path / f"{count}.png", {"A": results(["pass"] * count)}, title="G")
    one, two = (area(tmp_path / f"{n}.png", COLOURS["pass"]) for n in (1, 2))
    assert two == pytest.approx(2 * one, rel=0.05)


def words_of(monkeypatch, tmp_path, themes, **words):
    """All texts of the figure."""
    said = []
    save = style.save
    monkeypatch.setattr(
        style, "save", lambda made, path: (said.extend(t.get_text() for t in made.axes[0].texts),
                                           save(made, path))
    )  # fmt: skip
    matrix.gate_matrix(tmp_path / "m.png", themes, **words)
    return said


def test_verdict_name_value_and_bound_stand_in_words(monkeypatch, tmp_path):
    themes = {
        "Numerics": results(["pass", "fail"]),
        "Empty": [],
        "Evidence": [
            judge(Gate(name="ratio", metric="r", low=0.3, high=1.5, reason="r"), {}),
            judge(Gate(name="count", metric="c", low=2, reason="r"), {"c": 1.0}),
        ],
    }
    said = words_of(monkeypatch, tmp_path, themes, title="Promotion gates", note="64 x 64")
    assert said[:2] == ["Promotion gates", "4 gates: 1 pass, 2 fail, 1 unknown  ·  64 x 64"]
    rows = [said[n : n + 5] for n, text in enumerate(said) if text in ("✓", "✗", "?")]
    assert rows == [
        ["✓", "pass", "gate_0", "1", "≤ 2"],
        ["✗", "fail", "gate_1", "3", "≤ 2"],
        ["?", "unknown", "ratio", "not reported", "0.3 – 1.5"],  # noqa: RUF001
        ["✗", "fail", "count", "1", "≥ 2"],
    ]
    assert "Numerics" in said
    assert "Evidence" in said
    assert "Empty" not in said


def test_sixty_gates_fit_on_one_page(tmp_path):
    path = tmp_path / "m.png"
    themes = {f"Theme {n}": results(["pass", "fail", "unknown"] * 2) for n in range(10)}
    matrix.gate_matrix(path, themes, title="Gates")
    with Image.open(path) as picture:
        width, height = picture.size
    assert width <= 1600
    assert height <= 1300


def test_nothing_judged_is_told(monkeypatch, tmp_path):
    said = words_of(monkeypatch, tmp_path, {}, title="Gates")
    assert said == ["Gates", "0 gates: 0 pass, 0 fail, 0 unknown"]
