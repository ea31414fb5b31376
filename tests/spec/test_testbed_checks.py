"""Testbed, section 11: each kind of check with each verdict, groups, and the published oracles.

The script of a case reports the number that the example needs; nothing is computed in it.
"""

import math
import re
import statistics

import pytest

from .matrix import HEAD, case, metric, mhx, read, rows, write

KEYS = "command.parameters.report"


def axis(name, values, extra=""):
    return (
        f'[[testbed.axis]]\nid = "{name}"\nkeys = ["{KEYS}.{name}"]\nvalues = {values}\n{extra}\n'
    )


def check(kind, extra, name="c", of="m"):
    return (
        f'[[testbed.check]]\nid = "{name}"\nkind = "{kind}"\nmetric = "{of}"\n'
        'reason = "r"\n'
        f"{extra}\n"
    )


def along(name, pairs):
    """One case per (axis value, reported number); a number that is a text is reported as it is."""
    return "".join(
        f'[[testbed.case]]\nid = "c{i}"\naxis = "{name}"\nvalue = {value!r}\n'
        f"overlay.{KEYS}.m = {number!r}\n"
        for i, (value, number) in enumerate(pairs)
    )


def judge(folder, text, name="c"):
    """The row of one check, and the exit code of the matrix."""
    said = mhx("run", write(folder, HEAD + metric("m", "") + text))
    assert said.code in (0, 1), said.text
    found = [row for row in rows(folder / "out/testbed_checks.csv") if row["check_id"] == name]
    order = {"pass": 0, "unknown": 1, "fail": 2}
    worst = max(found, key=lambda row: order[row["verdict"]])
    manifest = read(folder / "out/testbed_manifest.json")
    assert (said.code == 0) == (worst["verdict"] == "pass")
    assert manifest["exit_code"] == said.code
    assert manifest["verdict"] == worst["verdict"]
    assert worst["verdict"].upper() in (folder / "out/testbed_report.md").read_text().upper()
    return worst


def numbers(row):
    text = f"{row['value']} {row['detail']}"
    return [float(word) for word in re.findall(r"[-+]?\d+(?:\.\d+)?(?:e[-+]?\d+)?", text)]


def has(row, *expected, rel=1e-3):
    """The row tells these numbers, in value or detail, to their printed digits."""
    told = numbers(row)
    for number in expected:
        assert any(math.isclose(number, one, rel_tol=rel) for one in told), (number, row)


# -- bounds ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "bounds", "verdict"),
    [
        ((1.0, 2.0), "low = 1.0\nhigh = 2.0", "pass"),
        ((1.0, 2.0), "high = 1.9", "fail"),
        ((1.0, 2.0), "low = 1.1", "fail"),
        ((0.0, 0.0), "low = 0.0\nhigh = 0.0", "pass"),
        ((1.0, "nan"), "high = 5.0", "unknown"),
        ((9.0, "nan"), "high = 5.0", ("fail", "unknown")),
    ],
)
def test_bounds(values, bounds, verdict, tmp_path):
    text = "".join(case(f"x{i}", m=value) for i, value in enumerate(values))
    assert judge(tmp_path, text + check("bounds", bounds))["verdict"] in verdict


def test_case_that_is_not_ok_makes_the_check_unknown_unless_it_is_not_selected(tmp_path):
    text = case("good", m=1.0) + case("bad", "overlay.command.parameters.exit = 1")
    row = judge(tmp_path / "all", text + check("bounds", "high = 5.0"))
    assert row["verdict"] == "unknown"
    assert "bad" in row["detail"]
    folder = tmp_path / "some"
    body = text + check("bounds", 'high = 5.0\ncases = ["go*"]')
    mhx("run", write(folder, HEAD + metric("m", "") + body))
    (row,) = rows(folder / "out/testbed_checks.csv")
    assert (row["verdict"], row["n_cases"], row["cases"]) == ("pass", "1", "good") or (
        row["verdict"] == "pass" and "good" in row["cases"] and "bad" not in row["cases"]
    )


def test_disabled_case_is_not_selected(tmp_path):
    text = case("good", m=1.0) + '[[testbed.case]]\nid = "off"\nenabled = false\n'
    assert judge(tmp_path, text + check("bounds", "high = 5.0"))["verdict"] == "pass"


def test_design_restricts_a_check(tmp_path):
    text = axis("x", "[1.0, 2.0]") + case("odd", m=100.0, x=7.0)
    text += '[[testbed.design]]\nid = "g"\nkind = "grid"\naxes = ["x"]\n'
    text += f"overlay.{KEYS}.m = 1.0\n"
    row = judge(tmp_path, text + check("bounds", 'high = 5.0\ndesign = "g"'))
    assert (row["verdict"], row["n_cases"]) == ("pass", "2")


# -- monotonic ---------------------------------------------------------------------------------

UP = 'axis = "x"\ndirection = "increasing"\n'


@pytest.mark.parametrize(
    ("numbers", "keys", "verdict"),
    [
        ((1.0, 2.0, 3.0), UP, "pass"),
        ((3.0, 2.0, 1.0), UP, "fail"),
        ((1.0, 1.0, 2.0), UP, "fail"),
        ((1.0, 1.0, 2.0), UP + "strict = false", "pass"),
        ((1.0, 2.0, 1.95), UP + "strict = false\nnoise = 0.1", "pass"),
        ((1.0, 2.0, 1.8), UP + "strict = false\nnoise = 0.1", "fail"),
        ((1.0, 1.05, 2.0), UP + "noise = 0.1", "fail"),
        ((3.0, 2.0, 1.0), UP.replace("increasing", "decreasing"), "pass"),
        ((1.0, "nan", 3.0), UP, "unknown"),
    ],
)
def test_monotonic(numbers, keys, verdict, tmp_path):
    pairs = list(zip((1.0, 2.0, 4.0), numbers, strict=True))
    text = axis("x", "[1.0, 2.0, 4.0]") + along("x", pairs) + check("monotonic", keys)
    assert judge(tmp_path, text)["verdict"] == verdict


def test_monotonic_goes_by_axis_value_not_by_place_in_the_file(tmp_path):
    text = axis("x", "[1.0, 2.0, 4.0]") + along("x", [(4.0, 3.0), (1.0, 1.0), (2.0, 2.0)])
    assert judge(tmp_path, text + check("monotonic", UP))["verdict"] == "pass"


def test_one_axis_value_shows_no_direction(tmp_path):
    text = axis("x", "[1.0]") + along("x", [(1.0, 3.0)]) + check("monotonic", UP)
    assert judge(tmp_path, text)["verdict"] == "unknown"


def test_check_along_one_axis_is_judged_in_each_group_of_the_others(tmp_path):
    """m = x in the first group, -x in the second: each is monotonic, one the wrong way."""
    x = f'[[testbed.axis]]\nid = "x"\nkeys = ["{KEYS}.x"]\nvalues = [1.0, 2.0]\n'
    y = f'[[testbed.axis]]\nid = "y"\nkeys = ["{KEYS}.y"]\nvalues = [0.0, 1.0]\n'
    for last, verdict in ((5.0, "pass"), (3.0, "fail")):
        table = {(1.0, 0.0): 1.0, (2.0, 0.0): 2.0, (1.0, 1.0): 4.0, (2.0, 1.0): last}
        folder = tmp_path / verdict
        text = HEAD + metric("m", "") + x + y
        text += '[[testbed.design]]\nid = "g"\nkind = "grid"\naxes = ["x", "y"]\n'
        text += check("monotonic", UP)
        path = write(folder, text)
        model = (folder / "model.py").read_text()
        rule = (
            f'table = {table!r}\nreport["m"] = table[report["x"], report["y"]]\n'
            'with open("metrics.json", "w")'
        )
        (folder / "model.py").write_text(model.replace('with open("metrics.json", "w")', rule))
        said = mhx("run", path)
        found = rows(folder / "out/testbed_checks.csv")
        worst = "fail" if any(row["verdict"] == "fail" for row in found) else "pass"
        assert worst == verdict
        assert said.code == (0 if verdict == "pass" else 1)
        assert any(row["group"] for row in found)
        assert read(folder / "out/testbed_manifest.json")["verdict"] == verdict


# -- spread ------------------------------------------------------------------------------------

SEEDS = (10.0, 10.2, 9.9, 10.1, 9.8)


@pytest.mark.parametrize(
    ("values", "keys", "verdict"),
    [
        (SEEDS, "max_cv = 0.016", "pass"),
        (SEEDS, "max_cv = 0.0158", "fail"),
        (SEEDS, "max_half_width = 0.0197", "pass"),
        (SEEDS, "max_half_width = 0.0196", "fail"),
        (SEEDS, "max_std = 0.159", "pass"),
        (SEEDS, "max_std = 0.158", "fail"),
        (SEEDS[:4], "max_cv = 0.5", "unknown"),
        (SEEDS[:4], "max_cv = 0.5\nmin_n = 4", "pass"),
        ((*SEEDS[:4], "nan"), "max_cv = 0.5\nmin_n = 4", "unknown"),
    ],
)
def test_spread(values, keys, verdict, tmp_path):
    """s = 0.158114, CV = 0.0158114, half width 2.776445 s/sqrt(5)/10 = 0.0196324."""
    text = "".join(case(f"x{i}", m=value) for i, value in enumerate(values))
    row = judge(tmp_path, text + check("spread", keys))
    assert row["verdict"] == verdict
    if verdict != "unknown" and len(values) == 5:
        s = statistics.stdev(values)
        has(row, 5, statistics.mean(values), s, s / 10, rel=5e-3)


# -- difference --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("keys", "verdict"),
    [
        ("max_abs = 0.2", "pass"),
        ("max_abs = 0.1", "fail"),
        ("max_rel = 0.1", "pass"),
        ("max_rel = 0.05", "fail"),
        ("min_abs = 0.1", "pass"),
        ("min_abs = 0.5", "fail"),
        ("min_rel = 0.05", "pass"),
        ("min_rel = 0.5", "fail"),
        ("max_abs = 0.2\nmin_rel = 0.5", "fail"),
    ],
)
def test_difference(keys, verdict, tmp_path):
    text = case("ref", m=2.0) + case("other", m=2.15)
    row = judge(tmp_path, text + check("difference", f'reference = "ref"\n{keys}'))
    assert row["verdict"] == verdict


def test_difference_to_a_reference_that_failed_is_unknown(tmp_path):
    text = case("ref", "overlay.command.parameters.exit = 1") + case("other", m=2.15)
    row = judge(tmp_path, text + check("difference", 'reference = "ref"\nmax_abs = 9.0'))
    assert row["verdict"] == "unknown"


# -- order -------------------------------------------------------------------------------------


def ladder(folder, pairs, keys, formal=2, refines="size"):
    """An order check over (h, value)."""
    values = sorted({h for h, _ in pairs}, reverse=True)
    text = axis("x", values, f'refines = "{refines}"') + along("x", list(pairs))
    body = f'axis = "x"\nformal_order = {formal}\n{keys}'
    return judge(folder, text + check("order", body))


def power(a, p, f0=1.0, hs=(4.0, 2.0, 1.0)):
    return [(h, f0 + a * h**p) for h in hs]


NASA = ((1.0, 0.97050), (2.0, 0.96854), (4.0, 0.96178))
CELIK = {
    "backward step": ([(1.0, 6.063), (1.5, 5.972), (2.0, 5.863)], 1.53, 0.022, "pass"),
    "second": ([(1.0, 10.7880), (2.0, 10.7250), (2.0 * 2.143, 10.6050)], 0.75, 0.011, "pass"),
    "oscillating": ([(1.0, 6.0042), (2.0, 5.9624), (2.0 * 2.143, 6.0909)], 1.51, 0.005, "unknown"),
}


def test_verification_example_of_nasa(tmp_path):
    row = ladder(tmp_path, NASA, "order_tolerance = 0.25")
    assert row["verdict"] == "pass"
    has(row, 1.78617, 0.971300, rel=2e-6)
    analysis = (tmp_path / "out/testbed_analysis.json").read_text()
    has(row | {"detail": row["detail"] + analysis}, 0.001031, rel=1e-3)
    has(row | {"detail": row["detail"] + analysis}, 0.003562, rel=1e-3)


@pytest.mark.parametrize("name", CELIK)
def test_examples_of_celik_et_al(name, tmp_path):
    pairs, order, gci, _ = CELIK[name]
    row = ladder(tmp_path, pairs, "order_tolerance = 0.99\nmax_uncertainty = 0.9")
    analysis = (tmp_path / "out/testbed_analysis.json").read_text()
    has(row | {"detail": row["detail"] + analysis}, order, rel=5e-3)
    told = numbers(row | {"detail": row["detail"] + analysis})
    assert any(round(number, 3) == gci for number in told if 0 < number < 1)
    if name == "oscillating":
        assert row["verdict"] == "unknown"


@pytest.mark.parametrize(
    ("pairs", "keys", "verdict"),
    [
        (power(0.01, 2.0), "order_tolerance = 0.1", "pass"),
        (power(0.01, 1.7), "order_tolerance = 0.25", "pass"),
        (power(0.01, 1.3), "order_tolerance = 0.25", "fail"),
        (power(0.01, 2.8), "order_tolerance = 0.25", "unknown"),
        (power(0.01, 2.0), "max_uncertainty = 0.05", "pass"),
        (power(0.01, 2.0), "max_uncertainty = 0.001", "fail"),
        (power(0.01, 2.0)[:2], "order_tolerance = 0.25", "unknown"),
        (power(0.01, 2.0, hs=(1.5, 1.2, 1.0)), "order_tolerance = 0.25", "unknown"),
        (((1.0, 1.0), (2.0, 1.1), (4.0, 1.15)), "order_tolerance = 0.25", "fail"),
        (((1.0, 1.0), (2.0, 1.1), (4.0, 0.8)), "order_tolerance = 0.25", "unknown"),
        (((1.0, 1.0), (2.0, 1.1), (4.0, 1.05)), "order_tolerance = 0.25", "fail"),
        (
            ((1.0, 1.0), (2.0, 1.0 + 1e-9), (4.0, 1.0 + 2e-9)),
            "order_tolerance = 0.25\nnoise = 1e-6",
            "unknown",
        ),
        (((1.0, 1.0), (2.0, 1.01), (4.0, "nan")), "order_tolerance = 0.25", "unknown"),
        (power(0.01, 2.0, hs=(8.0, 4.0, 2.0, 1.0)), "order_tolerance = 0.1", "pass"),
    ],
)
def test_order(pairs, keys, verdict, tmp_path):
    assert ladder(tmp_path, pairs, keys)["verdict"] == verdict


def test_order_counts_with_an_axis_of_counts(tmp_path):
    """f = 1 + 0.5/N^2: h = 1/N."""
    pairs = [(n, 1.0 + 0.5 / n**2) for n in (8, 16, 32)]
    row = ladder(tmp_path, pairs, "order_tolerance = 0.1", refines="count")
    assert row["verdict"] == "pass"
    has(row, 2.0, rel=1e-6)


def test_order_by_a_metric_that_gives_the_size(tmp_path):
    text = metric("h", "")
    text += "".join(case(f"x{i}", h=h, m=1.0 + 0.01 * h * h) for i, h in enumerate((4.0, 2.0, 1.0)))
    keys = 'h = "h"\nformal_order = 2\norder_tolerance = 0.1'
    row = judge(tmp_path, text + check("order", keys))
    assert row["verdict"] == "pass", row
    has(row, 2.0, rel=1e-6)


@pytest.mark.parametrize(
    ("f", "keys", "verdict"),
    [
        (lambda n: 1.0 - 2.0 * math.exp(-0.5 * n), "max_uncertainty = 0.01", "pass"),
        (lambda n: 1.0 - 2.0 * math.exp(-0.5 * n), "max_uncertainty = 1e-6", "fail"),
        (lambda n: 1.0 + math.exp(0.1 * n), "max_uncertainty = 0.5", "fail"),
        (lambda n: {8: 1.0, 12: 1.1, 16: 1.05}[n], "max_uncertainty = 0.5", "unknown"),
        (
            lambda n: {8: 1.0, 12: 1.0 + 1e-12, 16: 1.0 - 1e-12}[n],
            "max_uncertainty = 0.5\nnoise = 1e-9",
            "pass",
        ),
    ],
)
def test_spectral_order(f, keys, verdict, tmp_path):
    pairs = [(n, f(n)) for n in (8, 12, 16)]
    row = ladder(tmp_path, pairs, f'method = "spectral"\n{keys}', refines="count")
    assert row["verdict"] == verdict, row


def test_spectral_uncertainty_is_the_documented_sum(tmp_path):
    """b = 0.5: rho = e^-2, U = 3 |f3 - f2| rho/(1 - rho)."""
    f = {n: 1.0 - 2.0 * math.exp(-0.5 * n) for n in (8, 12, 16)}
    rho = math.exp(-2.0)
    u = 3.0 * (f[16] - f[12]) * rho / (1.0 - rho)
    keys = 'method = "spectral"\nmax_uncertainty = 0.1'
    row = ladder(tmp_path, list(f.items()), keys, refines="count")
    analysis = (tmp_path / "out/testbed_analysis.json").read_text()
    told = row | {"detail": f"{row['detail']} {analysis}"}
    has(told, 0.5, rel=1e-6)
    assert any(
        math.isclose(number, u, rel_tol=1e-3) or math.isclose(number, u / f[16], rel_tol=1e-3)
        for number in numbers(told)
    )


# -- how checks are declared -------------------------------------------------------------------


def test_required_check_and_its_bound_stand_in_manifest_and_report(tmp_path):
    text = case("x", m=1.0) + check("bounds", "high = 0.5\nrequired = false")
    said = mhx("run", write(tmp_path, HEAD + metric("m", "") + text))
    assert said.code == 0
    (entry,) = read(tmp_path / "out/testbed_manifest.json")["checks"]
    assert (entry["check_id"], entry["verdict"], entry["required"]) == ("c", "fail", False)
    assert "0.5" in str(entry["bound"])
    page = (tmp_path / "out/testbed_report.md").read_text()
    assert "0.5" in page


@pytest.mark.parametrize(
    "body",
    [
        check("bound", "high = 1.0"),
        check("bounds", "high = 1.0").replace('reason = "r"\n', ""),
        check("bounds", "high = 1.0") + check("bounds", "high = 2.0"),
        check("bounds", "low = 2.0\nhigh = 1.0"),
        check("bounds", "high = 1.0\nstrict = true"),
        check("monotonic", 'axis = "x"\ndirection = "up"'),
        check("monotonic", 'axis = "y"\ndirection = "increasing"'),
        check("spread", "min_n = 3"),
        check("difference", 'reference = "nobody"\nmax_abs = 1.0'),
        check("difference", 'reference = "x"'),
        check("order", 'axis = "x"\nformal_order = 2'),
        check("bounds", 'high = 1.0\ndesign = "nobody"'),
        check("bounds", "high = nan"),
    ],
)
def test_check_that_could_not_mean_anything_is_refused(body, tmp_path):
    text = HEAD + metric("m", "") + axis("x", "[1.0, 2.0]", 'refines = "size"') + case("x", m=1.0)
    said = mhx("testbed", "plan", write(tmp_path, text + body))
    assert said.code == 2, said.text
    assert "check" in said.err
    assert "Traceback" not in said.err
