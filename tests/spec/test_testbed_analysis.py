"""Testbed, section 13: what is computed across cases, against SciPy and worked examples.

The script of each case evaluates the formula of the test from the values of its axes.
"""

import math

import numpy as np
import pytest
from scipy import stats

from .matrix import HEAD, by_id, metric, mhx, read, rows, write

KEYS = "command.parameters.report"


def sampled(folder, names, formula, design):
    """Run a design over axes in [0, 1]; `formula` is a line of Python over `report`."""
    text = HEAD.replace('backend = "inline"', "jobs = 2") + metric("m")
    for name in names:
        text += f'[[testbed.axis]]\nid = "{name}"\nkeys = ["{KEYS}.{name}"]\n'
        text += "low = 0.0\nhigh = 1.0\n"
    path = write(folder, text + f'[[testbed.design]]\nid = "d"\n{design}\n')
    model = (folder / "model.py").read_text()
    last = 'with open("metrics.json", "w")'
    (folder / "model.py").write_text(model.replace(last, f"import math\n{formula}\n{last}"))
    said = mhx("run", path)
    assert said.code == 0, said.text
    root = folder / "out"
    plan = read(root / "testbed_plan.json")["cases"]
    found = by_id(root / "testbed_metrics.csv")
    points = np.array([[case["coordinates"][name] for name in names] for case in plan])
    values = np.array([float(found[case["case_id"]]["m"]) for case in plan])
    return read(root / "testbed_analysis.json"), points, values


def numbers(value):
    if isinstance(value, dict):
        return [number for entry in value.values() for number in numbers(entry)]
    if isinstance(value, list):
        return [number for entry in value for number in numbers(entry)]
    return [value] if isinstance(value, int | float) and not isinstance(value, bool) else []


def holds(analysis, *expected, rel=1e-9):
    found = numbers(analysis)
    for value in expected:
        assert any(math.isclose(value, one, rel_tol=rel, abs_tol=1e-12) for one in found), value


@pytest.fixture(scope="module")
def hypercube(tmp_path_factory):
    folder = tmp_path_factory.mktemp("lhs")
    formula = 'report["m"] = 3.0 * report["x"] - report["y"] ** 2 + 0.1 * math.sin(9 * report["x"])'
    design = 'kind = "latin_hypercube"\naxes = ["x", "y"]\ncount = 24\nseed = 5'
    return sampled(folder, ("x", "y"), formula, design)


def test_rank_correlations_are_those_of_scipy(hypercube):
    analysis, points, values = hypercube
    holds(analysis, *(stats.spearmanr(points[:, i], values).statistic for i in (0, 1)))


def test_standardised_regression_coefficients(hypercube):
    analysis, points, values = hypercube
    scaled = (points - points.mean(axis=0)) / points.std(axis=0, ddof=1)
    answer = np.linalg.lstsq(scaled, (values - values.mean()) / values.std(ddof=1), rcond=None)[0]
    holds(analysis, *answer)


def test_ensemble_statistics_quantiles_and_histogram(hypercube):
    analysis, _, values = hypercube
    quantiles = np.quantile(values, [0.05, 0.25, 0.5, 0.75, 0.95])
    holds(analysis, len(values), values.mean(), values.std(ddof=1), values.min(), values.max())
    holds(analysis, *quantiles)
    counts, edges = np.histogram(values, bins=math.ceil(math.sqrt(len(values))))
    lists = [entry for entry in lists_of(analysis) if entry == counts.tolist()]
    assert lists, counts
    assert any(np.allclose(entry, edges) for entry in lists_of(analysis) if len(entry) == 6)


def lists_of(value):
    if isinstance(value, dict):
        return [found for entry in value.values() for found in lists_of(entry)]
    if isinstance(value, list):
        own = [value] if value and all(isinstance(x, int | float) for x in value) else []
        return own + [found for entry in value for found in lists_of(entry)]
    return []


def plischke(x, y, count):
    """The documented estimator, written once more."""
    m = 2 ** math.floor(math.log2(math.sqrt(count)))
    classes = np.array_split(y[np.argsort(x)], m)
    mean = y.mean()
    return sum(len(c) * (c.mean() - mean) ** 2 for c in classes) / ((y - mean) ** 2).sum()


def test_first_order_indices_of_a_sobol_design(tmp_path):
    """y = 2 u + v: first-order shares 0.8 and 0.2."""
    design = 'kind = "sobol"\naxes = ["u", "v"]\ncount = 64\nseed = 1'
    analysis, points, values = sampled(
        tmp_path, ("u", "v"), 'report["m"] = 2.0 * report["u"] + report["v"]', design
    )
    shares = [plischke(points[:, i], values, 64) for i in (0, 1)]
    assert shares == pytest.approx([0.8, 0.2], abs=0.05)
    holds(analysis, *shares, 1.0 - sum(shares))


def test_too_few_values_give_no_index_and_a_reason(tmp_path):
    design = 'kind = "sobol"\naxes = ["u"]\ncount = 8'
    analysis, points, values = sampled(tmp_path, ("u",), 'report["m"] = report["u"]', design)
    share = plischke(points[:, 0], values, 8)
    assert not any(math.isclose(share, one, rel_tol=1e-9) for one in numbers(analysis))
    assert " 64 " in str(analysis)


def test_tornado_ranks_the_effects_of_one_at_a_time(tmp_path):
    text = HEAD + metric("m")
    for name, values in (("small", "[0.0, 1.0]"), ("large", "[0.0, 1.0]")):
        text += f'[[testbed.axis]]\nid = "{name}"\nkeys = ["{KEYS}.{name}"]\nvalues = {values}\n'
    text += '[[testbed.design]]\nid = "o"\nkind = "one_at_a_time"\naxes = ["small", "large"]\n'
    path = write(tmp_path, text)
    model = (tmp_path / "model.py").read_text()
    rule = 'report["m"] = 1.0 + 2.0 * report["small"] + 70.0 * report["large"]\n'
    last = 'with open("metrics.json", "w")'
    (tmp_path / "model.py").write_text(model.replace(last, rule + last))
    assert mhx("run", path).code == 0
    analysis = read(tmp_path / "out/testbed_analysis.json")
    holds(analysis["one_at_a_time"], 2.0, 70.0)
    told = str(analysis["one_at_a_time"])
    assert told.index("'large'") < told.index("'small'")


def test_grid_has_main_effects_and_interactions(tmp_path):
    """m = x + 2 y + 4 x y over {0, 1}^2: means by level 1, 4 (x) and 0.5, 4.5 (y)."""
    text = HEAD + metric("m")
    for name in "xy":
        text += f'[[testbed.axis]]\nid = "{name}"\nkeys = ["{KEYS}.{name}"]\nvalues = [0.0, 1.0]\n'
    text += '[[testbed.design]]\nid = "g"\nkind = "grid"\naxes = ["x", "y"]\n'
    path = write(tmp_path, text)
    model = (tmp_path / "model.py").read_text()
    rule = 'x, y = report["x"], report["y"]\nreport["m"] = x + 2.0 * y + 4.0 * x * y\n'
    last = 'with open("metrics.json", "w")'
    (tmp_path / "model.py").write_text(model.replace(last, rule + last))
    assert mhx("run", path).code == 0
    analysis = read(tmp_path / "out/testbed_analysis.json")["grids"]
    found = {abs(number) for number in numbers(analysis)}
    assert {1.5, 2.0} <= found or {1.0, 4.0, 0.5, 4.5} <= found or {3.0, 4.0} <= found
    assert 1.0 in found  # the interaction: +-1 about the sum of main effects
    assert rows(tmp_path / "out/testbed_metrics.csv")
