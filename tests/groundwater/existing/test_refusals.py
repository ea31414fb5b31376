"""What a patch, an option or an output control cannot be is told in one line, by its index."""

from pathlib import Path
from typing import Any

import pytest

from mhx.errors import ConfigError
from mhx.groundwater.existing.copying import materialise, planned

from .hand_written import edited, written
from .own_models import table


def patch(package: str, variable: str, operation: str, value: float, **more: Any) -> dict[str, Any]:
    return {"package": package, "variable": variable, "operation": operation, "value": value} | more


PATCHES = {
    "set to what it is": (
        patch("ic", "strt", "set", 15.0),
        "changed nothing: ic.strt is 15.0 everywhere and value is 15.0",
    ),
    "multiplied by one": (
        patch("npf", "k", "multiply", 1.0),
        "changed nothing: npf.k is from 0.5 to 12.0 and value is 1.0",
    ),
    "nothing added": (
        patch("wells", "q", "add", 0.0),
        "changed nothing: wells.q is from -2.0 to -1.0 and value is 0.0",
    ),
    "no such package": (
        patch("ghb", "cond", "set", 1.0),
        ".package: 'ghb' is no package of the model; it has dis, ic, npf, sto, oc, Left (chd), "
        "right (chd), wells (wel), rch-1 (rch), tdis",
    ),
    "a type that several packages have": (
        patch("chd", "head", "set", 1.0),
        ".package: 'chd' stands for Left, right; give one of these names",
    ),
    "no such model": (
        patch("npf", "k", "set", 1.0, model="gwt"),
        ".model must be a model of the simulation (GWF_1), got 'gwt'",
    ),
    "no such variable": (
        patch("npf", "kx", "set", 1.0),
        ".variable: npf.kx is not in flow.npf; it has icelltype, k, k33",
    ),
    "no numbers": (
        patch("oc", "head", "set", 1.0),
        ".variable: oc.head cannot be patched: packages of type oc are carried along unchanged",
    ),
    "no such layer": (
        patch("npf", "k", "set", 1.0, layers=[3]), ".layers must be from 1 to 2, got 3",
    ),
    "a layer of the surface": (
        patch("dis", "top", "set", 1.0, layers=[1]),
        ".layers must be left out: top has one number for all layers",
    ),
    "layers of widths": (
        patch("dis", "delr", "set", 1.0, layers=[1]),
        ".layers must be left out: delr has no cells to choose by",
    ),
    "a cell outside": (
        patch("npf", "k", "set", 1.0, cells=[[1, 1, 1], [1, 4, 1]]),
        ".cells[1] must be 3 numbers within [2, 3, 4], got [1, 4, 1]",
    ),
    "cells without wells": (
        patch("wells", "q", "set", 1.0, cells=[[1, 1, 1]]),
        "changed nothing: no number of wells.q is chosen (cells = [[1, 1, 1]])",
    ),
    "no such period": (
        patch("wells", "q", "set", 1.0, period=3), ".period must be from 1 to 2, got 3",
    ),
    "a period of what has none": (
        patch("npf", "k", "set", 1.0, period=1),
        ".variable: npf.k does not change from period to period: leave period out",
    ),
    "no such boundary": (
        patch("wells", "q", "set", 1.0, boundname="p3"),
        "changed nothing: no number of wells.q is chosen (boundname = 'p3')",
    ),
    "names where there are none": (
        patch("Left", "head", "set", 1.0, boundname="west"),
        ".boundname must be left out: rows of Left have no names",
    ),
    "half a step": (
        patch("tdis", "nstp", "multiply", 1.5),
        ": tdis.nstp holds whole numbers and would be 1.5",
    ),
    "no number any more": (
        patch("npf", "k", "multiply", 1e308), ": npf.k would be inf, which is no number",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("given", "told"), PATCHES.values(), ids=PATCHES)
def test_a_patch_that_cannot_be(given: dict[str, Any], told: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as error:
        planned(table(written(tmp_path), [patch("sto", "sy", "set", 0.2), given]))
    space = "" if told[0] in ".:" else " "
    assert str(error.value) == f"model.patch[1]{space}{told}"


def test_all_faults_are_told_at_once(tmp_path: Path) -> None:
    text = edited("in_put/o.oc", " save budget all\n", "")
    given = [patch("npf", "kx", "set", 1.0), patch("ic", "strt", "set", 15.0)]
    with pytest.raises(ConfigError) as error:
        planned(table(written(tmp_path, o_oc=text), given))
    lines = str(error.value).split("\n")
    assert lines[0].startswith("model.patch[0].variable")
    assert lines[1].startswith("model.patch[1] changed nothing")
    assert lines[2].startswith("model.path: 'GWF_1' does not save budgets")


def test_a_time_series_is_named(tmp_path: Path) -> None:
    text = edited("in_put/w.wel", "-2d0", "pump_2").replace(
        "boundnames\n", "boundnames\n ts6 filein a.ts\n"
    )
    folder = written(tmp_path, w_wel=text)
    (folder / "a.ts").write_text("begin attributes\n names pump_2\nend attributes\n")
    with pytest.raises(ConfigError) as error:
        planned(table(folder, [patch("wells", "q", "multiply", 2.0)]))
    assert str(error.value).startswith(
        f"model.patch[0]: wells.q takes its numbers from the time series 'pump_2' ({folder}/in_put"
        "/w.wel:11): not supported by a patch"
    )
    others = patch("wells", "q", "multiply", 2.0, boundname="p1")
    assert "in_put/w.wel" in planned(table(folder, [others])).files


def test_an_array_of_a_time_series_is_named(tmp_path: Path) -> None:
    text = edited(
        "in_put/r.rcha", " recharge\n  constant 1e-3\n", " recharge timearrayseries rain\n"
    )
    with pytest.raises(ConfigError, match=r"rch-1\.recharge takes its numbers from 'timearrayser"):
        planned(table(written(tmp_path, r_rcha=text), [patch("rch", "recharge", "set", 1.0)]))


def test_a_row_that_is_too_short_is_told_by_its_line(tmp_path: Path) -> None:
    text = edited("in_put/w.wel", " 2 2 3 -2d0 4. p2\n", " 2 2 3\n")
    told = r"w\.wel:10  has no word for q: it must hold cellid q conc"
    with pytest.raises(ConfigError, match=told):
        planned(table(written(tmp_path, w_wel=text), [patch("wells", "q", "set", 1.0)]))


def test_zones_choose_cells_and_are_checked(tmp_path: Path) -> None:
    folder = written(tmp_path / "user")
    zones = tmp_path / "zones.csv"
    zones.write_text("zone\n" + "\n".join(["1"] * 20 + ["7"] * 4) + "\n")
    given = patch("npf", "k", "set", 9.0, zone=7, zone_file=str(zones))
    made = materialise(table(folder, [given]), tmp_path / "copy")
    text = (made.folder / "in_put/flow.npf").read_text()
    assert text.count(" 9.0 9.0") == 2 and " 0.5 9.0 9.0 9.0 9.0\n" in text
    for content, told in (
        (
            "zone\n1\n",
            r"zones\.csv must hold 24 rows, one per cell \(12 for all layers alike\), got 1",
        ),
        ("zone\n" + "1\n" * 24, r"model\.patch\[0\]\.zone must be in .*zones\.csv \(1\), got 7"),
        ("zone\n" + "1\n" * 23 + "a\n", r"zones\.csv:25  must be a whole number, got 'a'"),
        ("area\n" + "1\n" * 24, "has no column 'zone'"),
    ):
        zones.write_text(content)
        with pytest.raises(ConfigError, match=told):
            planned(table(folder, [given]))


def test_a_zone_file_of_one_layer_holds_for_all(tmp_path: Path) -> None:
    folder = written(tmp_path / "user")
    zones = tmp_path / "zones.csv"
    zones.write_text("zone\n" + "\n".join(["1"] * 5 + ["2"] + ["1"] * 6) + "\n")
    given = patch("wells", "q", "multiply", 3.0, zone=2, zone_file=str(zones))
    made = materialise(table(folder, [given]), tmp_path / "copy")
    assert " 1 2 2 -3.0 3. p1\n 2 2 3 -2d0 4. p2\n" in (made.folder / "in_put/w.wel").read_text()


def option(file: str, block: str, key: str, value: Any, **more: Any) -> dict[str, Any]:
    return {"file": file, "block": block, "key": key, "value": value} | more


OPTIONS = {
    "what it is already": (
        option("ims", "linear", "inner_dvclose", 1e-10),
        " changed nothing: ims linear.inner_dvclose is 1.e-10 and value is 1e-10",
    ),
    "left out and not there": (
        option("npf", "options", "xt3d", False),
        " changed nothing: npf options.xt3d is not stated and value is false",
    ),
    "a slip of the pen": (
        option("ims", "linear", "inner_dvclos", 1e-9),
        ".key: 'inner_dvclos' is not known in linear of ims; known are inner_maximum, ",
    ),
    "numbers of a package": (
        option("npf", "griddata", "k", 1.0),
        ".block must be options of npf, got 'griddata'; its numbers are changed by [[model.patch]]",
    ),
    "another block": (
        option("ims", "solver", "k", 1.0),
        ".block must be options or nonlinear or linear of ims, got 'solver'",
    ),
    "a file": (option("nam", "options", "list", "x.lst"), ".key: 'list' of nam names a file"),
    "a file as value": (
        option("wells", "options", "ts6", "filein x.ts"),
        ".value: 'filein x.ts' for wel options.ts6 names a file",
    ),
    "no such file": (option("ghb", "options", "a", 1), ".file: 'ghb' is no package of the model"),
    "no such model": (
        option("nam", "options", "newton", True, model="x"),
        ".file: 'x' is no model of the simulation (GWF_1)",
    ),
}


@pytest.mark.parametrize(("given", "told"), OPTIONS.values(), ids=OPTIONS)
def test_an_option_that_cannot_be(given: dict[str, Any], told: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as error:
        planned(table(written(tmp_path), option=[given]))
    assert str(error.value).startswith(f"model.option[0]{told}")


def test_an_option_is_set_once(tmp_path: Path) -> None:
    given = option("npf", "options", "xt3d", True)
    with pytest.raises(
        ConfigError, match=r"model\.option\[1\]\.key is set twice: npf options\.xt3d"
    ):
        planned(table(written(tmp_path), option=[given, given]))
