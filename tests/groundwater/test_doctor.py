"""`mhx engines doctor` and `list`: what is found, what is missing, the command that mends it."""

import importlib
import json

import pytest

from mhx.cli import main
from mhx.errors import EngineMissing
from mhx.groundwater import doctor
from mhx.groundwater.engines import PROGRAMS

APT = " ".join(doctor.GMSH_PACKAGES)


@pytest.fixture
def bare(tmp_path, monkeypatch):
    for program in PROGRAMS.values():
        monkeypatch.delenv(program.variable, raising=False)
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    monkeypatch.setenv("MHX_ENGINES", str(tmp_path / "engines"))


def without_libraries(monkeypatch, error, libraries=()):
    """A machine on which `import gmsh` ends in this error."""
    import_module = importlib.import_module

    def refuse(name, *rest):
        if name == "gmsh":
            raise error
        return import_module(name, *rest)

    monkeypatch.setattr(importlib, "import_module", refuse)
    monkeypatch.setattr(doctor, "missing_libraries", lambda library: list(libraries))


def test_what_is_missing_is_named_with_its_command_and_exit_code_3(bare, monkeypatch, capsys):
    without_libraries(
        monkeypatch,
        OSError("libGLU.so.1: cannot open shared object file: No such file or directory"),
        ["libGLU.so.1", "libXft.so.2"],
    )
    assert main(["engines", "doctor"]) == 3
    told = capsys.readouterr().out
    assert told.startswith("groundwater runs miss mf6, gmsh")
    assert "mend: mhx engines install mf6\n" in told
    assert "gmsh lacks the system libraries libGLU.so.1, libXft.so.2\n" in told
    assert f"apt-get install -y {APT}\n" in told
    assert "mend, for comparisons only: mhx engines install mfnwt\n" in told
    assert told.endswith("next: mhx engines install mf6\n")


def test_a_machine_with_everything_but_the_engines_of_comparisons_is_fit(
    bare, tmp_path, capsys, mf6, gmsh
):
    (tmp_path / "engines").mkdir()
    (tmp_path / "engines" / "mf6").symlink_to(mf6)
    pytest.importorskip("flopy")
    assert main(["engines", "doctor", "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["headline"] == "groundwater runs miss nothing"
    found = {check["name"]: check for check in answer["checks"]}
    assert set(found) >= {"mf6", "mfnwt", "mt3dusgs", "gmsh", "flopy"}
    assert found["mf6"]["engine"]["version"] in found["mf6"]["said"]
    assert len(found["mf6"]["engine"]["sha256"]) == 64
    assert not found["mfnwt"]["found"] and not found["mfnwt"]["needed"]
    assert found["mfnwt"]["mend"] == "mhx engines install mfnwt"


def test_without_ldd_the_library_is_taken_from_the_error(monkeypatch):
    error = "libXinerama.so.1: cannot open shared object file: No such file or directory"
    without_libraries(monkeypatch, OSError(error))
    with pytest.raises(EngineMissing) as raised:
        doctor.import_gmsh()
    assert str(raised.value).startswith("gmsh lacks the system library libXinerama.so.1; install")
    assert str(raised.value).endswith(f"apt-get install -y {APT}")


def test_gmsh_that_is_not_installed_is_the_extra_of_the_package(monkeypatch):
    without_libraries(monkeypatch, ModuleNotFoundError("No module named 'gmsh'"))
    with pytest.raises(EngineMissing, match=r"pip install 'mhx\[groundwater\]'"):
        doctor.import_gmsh()


def test_missing_libraries_are_read_from_ldd(tmp_path, monkeypatch):
    ldd = tmp_path / "ldd"
    ldd.write_text(
        "#!/bin/sh\nprintf '\\tlibGLU.so.1 => not found\\n\\tlibc.so.6 => /lib/libc.so.6\\n'\n"
    )
    ldd.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    assert doctor.missing_libraries(tmp_path / "libgmsh.so") == ["libGLU.so.1"]


def test_list_names_version_path_digest_and_licence(bare, tmp_path, mf6, capsys):
    (tmp_path / "engines").mkdir()
    (tmp_path / "engines" / "mf6").symlink_to(mf6)
    assert main(["engines", "list"]) == 0
    told = capsys.readouterr().out
    assert told.startswith("1 of 3 programs found; not there: mfnwt, mt3dusgs\n")
    assert str(tmp_path / "engines" / "mf6") in told
    assert "public domain (CC0), a program of the U.S. Geological Survey" in told
    assert "MODFLOW-NWT (mfnwt) was not found; looked at:" in told
    assert told.endswith("next: mhx engines install mfnwt mt3dusgs\n")


def test_a_variable_that_names_no_program_is_to_be_unset(bare, monkeypatch, tmp_path, capsys):
    monkeypatch.setenv("MHX_MF6", str(tmp_path / "gone"))
    assert main(["engines", "doctor"]) == 3
    told = capsys.readouterr().out
    assert f"MHX_MF6 names {tmp_path / 'gone'}, which cannot be opened" in told
    assert "mend: unset MHX_MF6\n" in told
