"""The structure of a simulation, and every file that it reaches."""

from pathlib import Path

import pytest

from mhx.errors import ConfigError
from mhx.groundwater.existing import reading
from mhx.groundwater.existing.files import reached
from mhx.groundwater.existing.reading import GridSize, Period, open_model

from .hand_written import FILES, edited, written


def test_a_model_written_by_hand_is_read_as_a_whole(tmp_path: Path) -> None:
    own = open_model(written(tmp_path))
    part = own.models[0]
    assert (part.type, part.name, part.newton) == ("gwf", "GWF_1", False)
    assert part.grid == GridSize(kind="dis", shape=(2, 3, 4), length_unit="feet")
    assert [(package.type, package.name) for package in own.packages] == [
        ("dis", "dis"), ("ic", "ic"), ("npf", "npf"), ("sto", "sto"), ("oc", "oc"),
        ("chd", "Left"), ("chd", "right"), ("wel", "wells"), ("rch", "rch-1"),
    ]  # fmt: skip
    assert own.packages[-1].arrays
    assert all(package.saves_flows for package in own.packages)
    assert part.listing == tmp_path / "out put/model.lst"
    assert part.heads == tmp_path / "out put/heads.bin"
    assert part.budget == tmp_path / "out.cbc"
    assert part.grb is None
    assert own.solutions[0].models == ("gwf_1",)
    assert own.tdis.time_unit == "days"
    assert own.tdis.periods == (Period(length=1.0, steps=1, multiplier=1.0),
                                Period(length=10.0, steps=2, multiplier=1.2))  # fmt: skip
    assert not own.continues


def test_every_input_is_reached_and_no_output(tmp_path: Path) -> None:
    folder = written(tmp_path)
    (folder / "out put/heads.bin").write_bytes(b"of an earlier run")
    (folder / "notes.txt").write_text("not part of the model")
    names = [path.relative_to(folder).as_posix() for path in reached(folder)]
    assert names[0] == "mfsim.nam"
    assert sorted(names) == sorted(FILES)
    assert reached(folder / "mfsim.nam") == reached(folder)


def test_files_inside_of_packages_are_reached(tmp_path: Path) -> None:
    options = (
        "begin options\n ts6 filein a.ts\n obs6 filein b.obs\n stage fileout s.bin\nend options\n"
    )
    well = edited("in_put/w.wel", "begin options\n", f"{options.removesuffix('end options')}")
    well = edited(
        "in_put/w.wel", "boundnames\n", "boundnames\n ts6 filein a.ts\n obs6 filein b.obs\n"
    )
    folder = written(tmp_path, w_wel=well)
    (folder / "a.ts").write_text("begin attributes\nend attributes\n")
    (folder / "b.obs").write_text(
        "begin continuous fileout c.csv\n open/close d.txt\nend continuous\n"
    )
    (folder / "d.txt").write_text("q wel p1\n")
    found = {path.name for path in reached(folder)}
    assert {"a.ts", "b.obs", "d.txt"} <= found
    assert "c.csv" not in found


def test_binary_files_of_another_simulation_are_not_read_as_text(tmp_path: Path) -> None:
    options = edited("in_put/w.wel", "boundnames\n", "boundnames\n ts6 filein bin.ts\n")
    folder = written(tmp_path, w_wel=options)
    (folder / "bin.ts").write_bytes(b"\0\1BEGIN \nBEGIN options\n")
    assert folder / "bin.ts" in reached(folder)


def test_a_changed_file_is_read_again(tmp_path: Path) -> None:
    folder = written(tmp_path)
    assert open_model(folder) is open_model(folder)
    text = edited("in put/Model.Name", " save_flows\n", " save_flows\n newton\n")
    (folder / "in put/Model.Name").write_text(text)
    assert open_model(folder).models[0].newton


REFUSED = {
    "no mfsim.nam": (lambda f: (f / "mfsim.nam").unlink(), r"holds no mfsim\.nam"),
    "missing files": (
        lambda f: [(f / "in_put/start.ic").unlink(), (f / "in put/k33 top.txt").unlink()],
        r"names 2 files that are not there\n  .*Model\.Name:7  'in_put/start\.ic': no such file\n"
        r"  .*flow\.npf:13  'in put/k33 top\.txt': no such file",
    ),
    "another type of model": (
        lambda f: replaced(f / "mfsim.nam", "gwf6", "prt6"),
        "the model 'GWF_1' of type PRT6, which is not supported; GWF6 and GWT6 are",
    ),
    "no models": (
        lambda f: replaced(f / "mfsim.nam", ' gwf6 "in put/Model.Name"   GWF_1', "# "),
        "holds no model in its block MODELS",
    ),
    "no grid": (
        lambda f: replaced(f / "in put/Model.Name", "dis6 in", "# dis6 in"),
        "names no DIS6, DISV6 or DISU6",
    ),
    "no sizes": (lambda f: replaced(f / "in_put/sizes.txt", "nlay", "nlayers"), "holds no NLAY"),
    "time without numbers": (
        lambda f: replaced(f / "in put/time.tdis", "1.d1, 2", "ten 2"),
        "PERIODDATA must hold perlen, nstp and tsmult, got 'ten 2 1.2d0'",
    ),
    "names in another file": (
        lambda f: replaced(f / "mfsim.nam", " gwf6", " open/close models.txt\n gwf6"),
        "OPEN/CLOSE in the block MODELS of a name file is not supported",
    ),
}


def replaced(path: Path, old: str, new: str) -> None:
    text = path.read_bytes()
    assert old.encode() in text
    path.write_bytes(text.replace(old.encode(), new.encode()))


@pytest.mark.parametrize(("spoil", "told"), REFUSED.values(), ids=REFUSED)
def test_what_is_no_model_is_refused_by_name(spoil, told: str, tmp_path: Path) -> None:
    folder = written(tmp_path)
    spoil(folder)
    with pytest.raises(ConfigError, match=told):
        open_model(folder)


def test_a_name_file_of_a_model_is_told_apart(tmp_path: Path) -> None:
    folder = written(tmp_path)
    with pytest.raises(ConfigError, match=r"is no mfsim\.nam .*it is the name file of a model"):
        open_model(folder / "in put/Model.Name")


def test_a_folder_above_names_where_the_model_lies(tmp_path: Path) -> None:
    written(tmp_path / "deep")
    with pytest.raises(ConfigError, match=r"there is one in .*deep"):
        open_model(tmp_path)


def test_packages_without_names_are_counted_as_modflow_does() -> None:
    assert "npf" in reading.UNNUMBERED and "wel" not in reading.UNNUMBERED
