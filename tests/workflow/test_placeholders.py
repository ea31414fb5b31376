"""Values in the place of their names."""

from pathlib import Path

import pytest

from mhx.workflow.placeholders import filled, made_name, names_in_template, rendered

VALUES = {"k": 1e-5, "n": 100, "on": True, "name": "näme", "time.steps": 7}
WORDS = {
    "a number": ("{k}", "1e-05"),
    "in the middle": ("--k={k} ", "--k=1e-05 "),
    "with a format": ("{k:.3e}/{n:05d}", "1.000e-05/00100"),
    "true and text": ("{on} {name}", "true näme"),
    "from a nested table": ("{time.steps}", "7"),
    "a name that is meant as it stands": ("{{k}}", "{k}"),
    "braces around anything else": (
        "awk '{print $1}' {} {{ }} {1}",
        "awk '{print $1}' {} {{ }} {1}",
    ),
    "JSON": ('{"a": {"b": {k}}}', '{"a": {"b": 1e-05}}'),
    "nothing to replace": ("plain", "plain"),
}


@pytest.mark.parametrize(("word", "expected"), WORDS.values(), ids=WORDS)
def test_a_word_is_filled(word, expected):
    assert filled(word, VALUES) == expected


def test_a_number_reads_back_exactly():
    assert float(filled("{x}", {"x": 0.1 + 0.2})) == 0.1 + 0.2
    assert float(rendered("{{ x }}", {"x": 0.1 + 0.2})) == 0.1 + 0.2


def test_single_braces_and_dollars_of_a_template_file_stay():
    text = '{"k": {{k}}, "on": {{ on }}, "set": {1, $x, ${y}}, "s": "{{time.steps:03d}}"}'
    assert rendered(text, VALUES) == '{"k": 1e-05, "on": true, "set": {1, $x, ${y}}, "s": "007"}'


def test_names_of_a_template_come_with_their_lines():
    assert names_in_template("{{a}}\n\n{{ b.c }} {{a}}") == [("a", 1), ("b.c", 3), ("a", 3)]


NAMES = {"m.toml.template": "m.toml", "m.in.tmpl": "m.in", "m.in": "m.in", ".tmpl": ".tmpl"}


@pytest.mark.parametrize(("template", "made"), NAMES.items())
def test_the_file_made_has_the_name_less_the_ending(template, made):
    assert made_name(Path("folder") / template) == made
