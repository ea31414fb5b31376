"""Options of a copy, and what it saves besides."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mhx.errors import ConfigError
from mhx.groundwater.existing.copying import materialise, planned

from .hand_written import FILES, edited, written
from .own_models import heads, solved, table

NO_HEADS = edited("in_put/o.oc", " head fileout 'out put/heads.bin'\n", "").replace(
    " save head all\n", ""
)
NO_CONTROL = edited("in put/Model.Name", " oc6 in_put/o.oc\n", "")


def option(file: str, block: str, key: str, value: Any, **more: Any) -> dict[str, Any]:
    return {"file": file, "block": block, "key": key, "value": value} | more


def changed(tmp_path: Path, name: str, *options: dict[str, Any], **files: str) -> str:
    """A file of the copy with these options."""
    made = planned(table(written(tmp_path, **files), option=list(options)))
    return made.files[name].decode()


def test_heads_that_are_not_saved_are_a_fault_with_the_lines_to_add(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as error:
        planned(table(written(tmp_path, o_oc=NO_HEADS)))
    assert str(error.value) == (
        "model.path: 'GWF_1' does not save heads; add to o.oc\n"
        "  BEGIN OPTIONS\n    HEAD FILEOUT GWF_1.hds\n  END OPTIONS\n"
        "  BEGIN PERIOD 1\n    SAVE HEAD ALL\n  END PERIOD 1\n"
        "or say model.add_output_control = true, which adds it to the copies"
    )


def test_a_model_without_output_control_is_a_fault_that_names_the_name_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as error:
        planned(table(written(tmp_path, Model_Name=NO_CONTROL)))
    assert (
        "does not save heads and budgets; add to a new GWF_1.oc, named OC6 in Model.Name\n"
        in str(error.value)
    )


def test_missing_lines_are_added_to_the_copy(tmp_path: Path) -> None:
    folder = written(tmp_path, o_oc=NO_HEADS)
    made = planned(table(folder, add_output_control=True))
    assert made.files["in_put/o.oc"].decode() == (
        "begin options\n budget fileout out.cbc\n  HEAD FILEOUT GWF_1.hds\nend options\n"
        "begin period 1\n save budget all\n  SAVE HEAD ALL\nend period 1"
    )
    assert "GWF_1: SAVE HEAD added to output control" in made.notices


def test_every_period_of_output_control_saves(tmp_path: Path) -> None:
    text = NO_HEADS + "\nbegin period 2\n print head all\nend period\n"
    made = planned(table(written(tmp_path, o_oc=text), add_output_control=True))
    lines = made.files["in_put/o.oc"].decode()
    assert lines.count("  SAVE HEAD ALL\n") == 2


def test_a_name_in_use_is_not_taken(tmp_path: Path) -> None:
    text = edited("in_put/o.oc", " save budget all\n", "").replace("out.cbc", "GWF_1.CBC")
    made = planned(table(written(tmp_path, o_oc=text), add_output_control=True))
    assert " budget fileout GWF_1.CBC\n" in made.files["in_put/o.oc"].decode()
    folder = written(tmp_path / "b", o_oc=NO_HEADS)
    text = edited("in put/Model.Name", "'out put/model.lst'", "gwf_1.hds")
    (folder / "in put/Model.Name").write_text(text)
    made = planned(table(folder, add_output_control=True))
    assert "HEAD FILEOUT GWF_1-2.hds" in made.files["in_put/o.oc"].decode()


def test_flows_of_all_packages_are_saved(tmp_path: Path) -> None:
    names = edited("in put/Model.Name", " save_flows\n", "")
    wells = edited("in_put/w.wel", " boundnames\n", " boundnames\n save_flows\n")
    made = planned(table(written(tmp_path, Model_Name=names, w_wel=wells)))
    assert "  SAVE_FLOWS\nend options" in made.files["in put/Model.Name"].decode()
    assert "GWF_1: SAVE_FLOWS added, for sto, Left, right, rch-1" in made.notices


@pytest.mark.parametrize("given", [{"o_oc": NO_HEADS}, {"Model_Name": NO_CONTROL}])
@pytest.mark.slow
def test_a_copy_saves_what_the_model_did_not(
    given: dict[str, str], tmp_path: Path, mf6: Path
) -> None:
    user = written(tmp_path / "user", **given)
    made = materialise(table(user, add_output_control=True), tmp_path / "copy")
    solved(mf6, made.folder)
    part = made.own.models[0]
    assert part.heads is not None and part.budget is not None and part.grb is not None
    assert heads(part.heads).shape == (3, 2, 3, 4)
    assert part.budget.stat().st_size > 0
    assert part.grb.is_file()


def test_continue_is_refused_unless_it_is_allowed(tmp_path: Path) -> None:
    text = edited("mfsim.nam", "begin options\n", "begin options\n continue\n")
    folder = written(tmp_path, mfsim_nam=text)
    with pytest.raises(ConfigError, match=r"mfsim\.nam says CONTINUE, .*allow_continue = true"):
        planned(table(folder))
    assert planned(table(folder, allow_continue=True)).opened.model.continues
    off = option("mfsim", "options", "continue", False)
    assert "continue" not in planned(table(folder, option=[off])).files["mfsim.nam"].decode()
    on = option("mfsim", "options", "continue", True)
    with pytest.raises(ConfigError, match="says CONTINUE"):
        planned(table(written(tmp_path / "b"), option=[on]))


def test_a_value_replaces_what_follows_its_key(tmp_path: Path) -> None:
    given = option("ims", "linear", "inner_dvclose", 1e-7)
    text = changed(tmp_path, "in_put/solver.ims", given)
    expected = FILES["in_put/solver.ims"].replace(
        " inner_dvclose 1.e-10 ! tight", "  INNER_DVCLOSE 1e-07"
    )
    assert text == expected


def test_a_new_key_goes_to_the_end_of_its_block(tmp_path: Path) -> None:
    given = [
        option("solver.ims", "linear", "relaxation_factor", 0.97),
        option("ims", "nonlinear", "under_relaxation", "dbd"),
        option("ims", "options", "complexity", False),
    ]
    text = changed(tmp_path, "in_put/solver.ims", *given)
    assert text.startswith("begin options\nend options\n")
    assert "  UNDER_RELAXATION dbd\nend nonlinear" in text
    assert "  RELAXATION_FACTOR 0.97\nend linear" in text


def test_an_old_word_of_the_same_meaning_is_taken_away(tmp_path: Path) -> None:
    text = edited("in_put/solver.ims", "outer_dvclose", "outer_hclose")
    given = option("ims", "nonlinear", "outer_dvclose", 1e-5)
    after = changed(tmp_path, "in_put/solver.ims", given, solver_ims=text)
    assert "hclose" not in after
    assert "OUTER_DVCLOSE 1e-05" in after


def test_a_block_that_is_not_there_is_put_in_its_place(tmp_path: Path) -> None:
    bare = FILES["in_put/solver.ims"]
    bare = bare[bare.index("begin linear") :]
    text = changed(
        tmp_path,
        "in_put/solver.ims",
        option("ims", "nonlinear", "outer_maximum", 50),
        option("ims", "options", "complexity", "complex"),
        solver_ims=bare,
    )
    words = [line for line in text.split("\n") if line.lower().startswith("begin")]
    assert words == ["BEGIN OPTIONS", "BEGIN NONLINEAR", "begin linear"]
    linear = FILES["in_put/solver.ims"].split("begin nonlinear")[0]
    text = changed(
        tmp_path / "b",
        "in_put/solver.ims",
        option("ims", "linear", "inner_maximum", 50),
        solver_ims=linear,
    )
    assert text.endswith("BEGIN LINEAR\n  INNER_MAXIMUM 50\nEND LINEAR\n")


def test_a_block_from_another_file_is_written_into_the_copy(tmp_path: Path) -> None:
    text = edited("in_put/w.wel", " auxiliary conc\n boundnames\n", " open/close o.txt\n")
    folder = written(tmp_path, w_wel=text)
    (folder / "o.txt").write_text("# two\nauxiliary conc\nboundnames\n")
    given = [option("wells", "options", "print_input", True)]
    made = planned(table(folder, option=given))
    assert (
        made.files["in_put/w.wel"]
        .decode()
        .startswith("begin options\nauxiliary conc\nboundnames\n  PRINT_INPUT\nend options\n")
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    "formulation",
    [
        option("nam", "options", "newton", "under_relaxation"),
        option("npf", "options", "xt3d", True),
    ],
    ids=lambda given: given["key"],
)
def test_the_formulation_of_a_model_can_be_changed(
    formulation: dict[str, Any], tmp_path: Path, mf6: Path
) -> None:
    convertible = edited("in_put/flow.npf", "icelltype\n  constant 0", "icelltype\n  constant 1")
    user = written(tmp_path / "user", flow_npf=convertible)
    solver = option("ims", "linear", "linear_acceleration", "bicgstab")
    made = materialise(table(user, option=[solver, formulation]), tmp_path / "copy")
    solved(mf6, user)
    solved(mf6, made.folder)
    part = made.own.models[0]
    assert part.newton == (formulation["key"] == "newton")
    assert part.heads is not None
    difference = np.abs(heads(part.heads) - heads(user / "out put/heads.bin")).max()
    assert difference < 1.0
    if part.newton:  # XT3D changes nothing on rectangles
        assert difference > 1e-8
    assert formulation["key"].upper() in part.listing.read_text()
