"""The list below the methods: where their formulations differ, each note once."""

from dataclasses import replace

from mhx.groundwater.comparison.page import formulations
from mhx.groundwater.comparison.reading import Solved
from mhx.report.page import Bullets, Words

from .made import flow, solved


def noted(name: str, **notes: str) -> Solved:
    found = {f"{step}.agreement": text for step, text in notes.items()}
    return replace(solved(name, flow(9.0)), notes=found)


def test_each_note_stands_once_with_the_methods_that_have_it() -> None:
    runs = [
        noted("mf6"),
        noted("a, upstream", flow="equal", transport="equal"),
        noted("a, particles", flow="equal", transport="differs"),
    ]
    words, bullets = formulations(runs)
    assert words == Words("Where formulations differ:") and isinstance(bullets, Bullets)
    assert [(name, cell.text) for name, cell in bullets.items] == [
        ("flow of a, upstream; a, particles", "equal"),
        ("transport of a, upstream", "equal"),
        ("transport of a, particles", "differs"),
    ]


def test_methods_that_say_nothing_of_it_have_no_list() -> None:
    assert formulations([noted("mf6"), noted("fem")]) == []
