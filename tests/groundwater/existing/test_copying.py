"""A copy holds links to what is unchanged and new files for the rest; the user's folder stays."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mhx.errors import ConfigError
from mhx.groundwater.existing import copying
from mhx.groundwater.existing.copying import materialise, planned
from mhx.groundwater.existing.reading import Period

from .hand_written import FILES, edited, written
from .own_models import heads, solved, table

GRID = "in_put/grid.dis"
"""Changed in every copy of the model written by hand: it says NOGRB."""


def patch(package: str, variable: str, value: float, **more: Any) -> dict[str, Any]:
    found = {"package": package, "variable": variable, "operation": "multiply", "value": value}
    return found | more


def state(folder: Path) -> dict[str, tuple[int, bytes]]:
    """Everything in a folder, with its time stamps."""
    return {
        path.relative_to(folder).as_posix(): (path.stat().st_mtime_ns, path.read_bytes())
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_unchanged_files_are_links_and_changed_ones_are_new(tmp_path: Path) -> None:
    user = written(tmp_path / "user")
    before = state(user)
    made = materialise(table(user, [patch("npf", "k", 2.0)]), tmp_path / "copy")
    assert set(made.changed) == {"in_put/flow.npf", GRID}
    assert set(made.inputs) == set(FILES)
    for name in FILES:
        same = os.path.samefile(user / name, made.folder / name)
        assert same == (name not in made.changed), name
    assert state(user) == before
    assert made.own.folder == made.folder
    assert made.own.models[0].heads == made.folder / "out put/heads.bin"
    assert (made.folder / "out put").is_dir()


def test_a_change_leaves_all_other_lines_as_they_were(tmp_path: Path) -> None:
    user = written(tmp_path / "user")
    made = materialise(table(user, [patch("npf", "k33", 3.0, layers=[2])]), tmp_path / "copy")
    old = FILES["in_put/flow.npf"].split("\n")
    new = (made.folder / "in_put/flow.npf").read_text().split("\n")
    assert [(a, b) for a, b in zip(old, new, strict=True) if a != b] == [
        ("  constant 0.1", "    CONSTANT 0.30000000000000004")
    ]


def test_windows_line_ends_are_kept(tmp_path: Path) -> None:
    user = written(tmp_path / "user")
    made = materialise(table(user, [patch("tdis", "nstp", 3)]), tmp_path / "copy")
    content = (made.folder / "in put/time.tdis").read_bytes()
    assert content.count(b"\r\n") == content.count(b"\n") == 10
    assert b" 1.d0 3 1.0 PERLEN,NSTP,TSMULT\r\n 1.d1, 6, 1.2d0\r\n" in content
    assert made.own.tdis.periods == (
        Period(length=1.0, steps=3, multiplier=1.0),
        Period(length=10.0, steps=6, multiplier=1.2),
    )
    assert made.own.tdis.file == made.folder / "in put/time.tdis"


def test_what_an_earlier_run_left_is_not_copied_and_is_taken_away(tmp_path: Path) -> None:
    user = written(tmp_path / "user")
    (user / "out put/heads.bin").write_bytes(b"old")
    (user / "mfsim.lst").write_text("old")
    copy = tmp_path / "copy"
    (copy / "old").mkdir(parents=True)
    (copy / "old/k.bin").write_bytes(b"of another case")
    made = materialise(table(user, [patch("npf", "k", 2.0)]), copy)
    there = {path.relative_to(copy).as_posix() for path in copy.rglob("*") if path.is_file()}
    assert there == set(made.inputs)


def test_a_case_is_laid_over_the_one_before(tmp_path: Path) -> None:
    user = written(tmp_path / "user")
    materialise(table(user, [patch("npf", "k", 2.0)]), tmp_path / "copy")
    made = materialise(table(user, [patch("ic", "strt", 2.0)]), tmp_path / "copy")
    assert set(made.changed) == {"in_put/start.ic", GRID}
    assert os.path.samefile(user / "in_put/flow.npf", made.folder / "in_put/flow.npf")


def test_a_file_that_cannot_be_linked_is_copied(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: Any, **__: Any) -> None:
        raise OSError(18, "Invalid cross-device link")

    monkeypatch.setattr(copying.os, "link", refused)
    user = written(tmp_path / "user")
    made = materialise(table(user), tmp_path / "copy")
    assert (made.folder / "in_put/w.wel").read_text() == FILES["in_put/w.wel"]
    assert not os.path.samefile(user / "in_put/w.wel", made.folder / "in_put/w.wel")


def test_a_symbolic_link_is_followed(tmp_path: Path) -> None:
    user = written(tmp_path / "user")
    elsewhere = tmp_path / "store.npf"
    shutil.move(user / "in_put/flow.npf", elsewhere)
    (user / "in_put/flow.npf").symlink_to(elsewhere)
    made = materialise(table(user), tmp_path / "copy")
    assert not (made.folder / "in_put/flow.npf").is_symlink()
    assert (made.folder / "in_put/flow.npf").read_text() == FILES["in_put/flow.npf"]


def test_the_model_may_not_be_written_over(tmp_path: Path) -> None:
    user = written(tmp_path / "user")
    before = state(user)
    for folder in (user, user / "in_put"):
        with pytest.raises(ConfigError, match="would write into the model's own folder"):
            materialise(table(user), folder)
    assert state(user) == before


def test_large_arrays_become_binary_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(copying.render.arrays, "INLINE", 4)
    user = written(tmp_path / "user")
    made = materialise(table(user, [patch("npf", "k", 2.0)]), tmp_path / "copy")
    assert "in_put/flow.npf.k.bin" in made.changed
    assert (made.folder / "in_put/flow.npf.k.bin").stat().st_size == 52 + 24 * 8
    text = (made.folder / "in_put/flow.npf").read_text()
    assert " k\n    OPEN/CLOSE in_put/flow.npf.k.bin (BINARY)\n k33 layered" in text


def test_a_file_that_rows_stand_in_gets_a_new_name(tmp_path: Path) -> None:
    user = written(tmp_path / "user")
    changes = [patch("right", "head", 0.5, boundname="A b")]
    made = materialise(table(user, changes), tmp_path / "copy")
    rows = (made.folder / "in_put/right_rows.txt.patched.txt").read_text()
    assert rows == "1 1 4 6.0 'a b'\n1 2 4 6.0 \"A B\"\n1 3 4 12 c\n"
    assert (
        "open/close in_put/right_rows.txt.patched.txt" in (made.folder / "in_put/r.chd").read_text()
    )


def outside(folder: Path) -> Path:
    """The model with inputs and outputs outside of its folder, by relative and whole paths."""
    whole = folder / "whole"
    names = {
        "flow_npf": edited("in_put/flow.npf", "'in put/k33 top.txt'", "'../far away/k33.txt'"),
        "o_oc": edited("in_put/o.oc", "'out put/heads.bin'", str(whole / "heads.hds")).replace(
            "out.cbc", "'../far away/out.cbc'"
        ),
        "Model_Name": edited("in put/Model.Name", "in_put/r.rcha", f"{whole}/r.rcha rain")
        .replace("in_put/grid.dis", "../grid.dis")
        .replace("in_put/w.wel", f"{folder}/user/in_put/w.wel")
        .replace("in_put/c.chd", "'../user/in put/../in_put/c.chd'"),
    }
    user = written(folder / "user", **names)
    whole.mkdir()
    (folder / "far away").mkdir()
    (folder / "far away/k33.txt").write_text(FILES["in put/k33 top.txt"])
    (whole / "r.rcha").write_text(FILES["in_put/r.rcha"])
    (folder / "grid.dis").write_text(FILES["in_put/grid.dis"])
    return user


def test_paths_outside_are_told_and_outputs_come_home(tmp_path: Path) -> None:
    user = outside(tmp_path)
    made = materialise(table(user), tmp_path / "deep/copy")
    told = "\n".join(made.notices)
    for line in (
        f"flow.npf:13 names {tmp_path}/far away/k33.txt, which is used where it lies",
        f"Model.Name:14 names {tmp_path}/whole/r.rcha, which is used where it lies",
        f"Model.Name:6 names {tmp_path}/grid.dis; the copy has its own as grid.dis",
        f"o.oc:2 writes to {tmp_path}/whole/heads.hds; the copy writes to heads.hds in its folder",
        f"o.oc:3 writes to {tmp_path}/far away/out.cbc; the copy writes to out.cbc in its folder",
    ):
        assert line in told
    assert (
        f"open/close '{tmp_path}/far away/k33.txt' factor"
        in (made.folder / "in_put/flow.npf").read_text()
    )
    names = (made.folder / "in put/Model.Name").read_text()
    assert " wel6 in_put/w.wel wells" in names
    assert " chd6 in_put/c.chd Left" in names
    assert made.own.models[0].heads == made.folder / "heads.hds"
    assert made.own.models[0].grb == made.folder / "grid.dis.grb"


def test_a_patched_file_from_outside_comes_into_the_copy(tmp_path: Path) -> None:
    user = outside(tmp_path)
    before = state(tmp_path)
    made = materialise(table(user, [patch("rain", "recharge", 2.0)]), tmp_path / "copy")
    assert "  constant 1e-3" not in (made.folder / "r.rcha").read_text()
    assert " rch6 r.rcha rain" in (made.folder / "in put/Model.Name").read_text()
    after = state(tmp_path)
    assert {name: after[name] for name in before} == before


@pytest.mark.slow
@pytest.mark.parametrize(
    "make", [lambda f: written(f / "user"), outside], ids=["inside", "outside"]
)
def test_a_copy_runs_as_the_model_does_and_writes_nowhere_else(
    make: Callable[[Path], Path], tmp_path: Path, mf6: Path
) -> None:
    user = make(tmp_path)
    solved(mf6, user)
    before = state(tmp_path)
    made = materialise(table(user), tmp_path / "copy")
    solved(mf6, made.folder)
    after = state(tmp_path)
    assert {name: after[name] for name in before} == before
    assert all(name.startswith("copy/") for name in set(after) - set(before))
    part = made.own.models[0]
    assert part.heads is not None and part.budget is not None and part.grb is not None
    assert part.heads.is_file() and part.budget.is_file() and part.grb.is_file()
    assert part.listing.is_file()
    theirs = user / "out put/heads.bin"
    theirs = theirs if theirs.is_file() else tmp_path / "whole/heads.hds"
    np.testing.assert_array_equal(heads(part.heads), heads(theirs))


@pytest.mark.slow
def test_a_factor_in_the_file_and_a_patch_of_the_numbers_are_one(tmp_path: Path, mf6: Path) -> None:
    user = written(tmp_path / "user")
    twice = edited("in_put/flow.npf", "factor 1.0  iprn", "factor 2.0  iprn")
    other = written(tmp_path / "other", flow_npf=twice.replace("12*0.5", "12*0.5"))
    solved(mf6, other)
    made = materialise(table(user, [patch("npf", "k", 2.0)]), tmp_path / "copy")
    solved(mf6, made.folder)
    assert made.own.models[0].heads is not None
    ours = heads(made.own.models[0].heads)
    np.testing.assert_array_equal(ours, heads(other / "out put/heads.bin"))


def test_nothing_is_written_where_something_is_wrong(tmp_path: Path) -> None:
    user = written(tmp_path / "user")
    with pytest.raises(ConfigError):
        materialise(table(user, [patch("npf", "k", 1.0)]), tmp_path / "copy")
    assert not (tmp_path / "copy").exists()


def test_a_plan_tells_the_same_without_writing(tmp_path: Path) -> None:
    user = written(tmp_path / "user")
    made = planned(table(user, [patch("npf", "k", 2.0)]))
    assert set(made.files) == {"in_put/flow.npf", GRID}
    assert set(made.links) == set(FILES) - set(made.files)


def test_a_simulation_file_of_another_name_is_called_as_modflow_wants_it(tmp_path: Path) -> None:
    user = written(tmp_path / "user")
    (user / "mfsim.nam").rename(user / "case A.nam")
    made = materialise(table(user / "case A.nam"), tmp_path / "copy")
    assert os.path.samefile(made.folder / "mfsim.nam", user / "case A.nam")
    assert made.own.models[0].name == "GWF_1"


def test_runs_may_lie_below_the_folder_of_the_model(tmp_path: Path) -> None:
    user = written(tmp_path / "user")
    made = materialise(table(user, [patch("npf", "k", 2.0)]), user / "runs/case/mf6")
    assert set(made.inputs) == set(FILES)
    again = materialise(table(user, [patch("npf", "k", 3.0)]), user / "runs/other/mf6")
    assert set(again.inputs) == set(FILES)
