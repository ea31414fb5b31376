"""Where a file comes from: complete, and the same for a tree and the wheel made of it."""

import json
import shutil
import subprocess
from importlib import metadata
from pathlib import Path

import pytest

import mhx
from mhx.evidence import provenance as source
from mhx.evidence.store import render_json

KEYS = {
    *("api_version", "created_utc", "mhx_version", "git", "code_digest", "dependencies"),
    *("python", "platform", "host", "device", "dtype", "command", "wheel"),
}

CACHED = (source.git, source.code_digest, source.wheel, source._files)


def test_every_key_of_a_manifest_is_there_and_plain():
    found = source.provenance(command=["mhx", "run"], device="cpu", dtype="float64")
    assert found.keys() == KEYS
    assert json.loads(render_json(found)) == found
    assert (found["device"], found["dtype"], found["command"]) == ("cpu", "float64", ["mhx", "run"])
    assert found["mhx_version"] == mhx.__version__
    assert found["dependencies"]["pydantic"] == metadata.version("pydantic")


def forget():
    for cached in CACHED:
        cached.cache_clear()


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A copy of the package outside any work tree, taken for the installed one."""
    folder = tmp_path / "site" / "mhx"
    shutil.copytree(
        Path(mhx.__file__).parent, folder, ignore=shutil.ignore_patterns("__pycache__", "*.part")
    )
    monkeypatch.setattr(source, "_PACKAGE", folder)
    forget()
    yield folder
    forget()


def test_code_has_one_digest_wherever_it_is_installed_and_whatever_is_cached(package):
    before = source.code_digest()
    forget()
    (package / "__pycache__").mkdir()
    (package / "__pycache__" / "errors.cpython-311.pyc").write_bytes(b"cached")
    assert source.code_digest() == before


def test_one_changed_line_of_code_is_another_digest(package):
    before = source.code_digest()
    forget()
    with (package / "errors.py").open("a") as stream:
        stream.write("\n")
    assert source.code_digest() != before


def test_installed_files_that_no_work_tree_tracks_have_no_commit(package):
    git(package.parent, "init", "-q")  # a wheel inside somebody's repository
    assert source.git() == {"commit": None, "dirty": None}


def git(folder, *words):
    names = ["-c", "user.name=t", "-c", "user.email=t@example.org"]
    subprocess.run(["git", "-C", folder, *names, *words], check=True, capture_output=True)


def test_a_tracked_tree_has_a_commit_and_a_state(package):
    git(package.parent, "init", "-q")
    git(package.parent, "add", "mhx")
    git(package.parent, "commit", "-q", "-m", "all")
    clean = source.git()
    source.git.cache_clear()
    (package / "new_module.py").write_text("")
    dirty = source.git()
    assert len(clean["commit"]) == 40
    assert (clean["dirty"], dirty["dirty"]) == (False, True)
    assert clean["commit"] == dirty["commit"]


def test_without_git_there_is_no_commit(package, monkeypatch):
    monkeypatch.setenv("PATH", "")
    assert source.git() == {"commit": None, "dirty": None}


def recorded(package):
    """What an installer leaves beside the package: PEP 376, digests in base64."""
    folder = package.parent / "mhx-0.1.0.dist-info"
    folder.mkdir()
    rows = [
        f"mhx/{name},{source._as_recorded(digest)},1" for name, digest in source._files().items()
    ]
    rows += ["../bin/mhx,sha256=x,1", "mhx-0.1.0.dist-info/RECORD,,"]
    (folder / "RECORD").write_text("\n".join(rows))
    return folder


def test_files_that_no_wheel_brought_are_no_wheel(package):
    assert source.wheel() is None


def test_a_wheel_is_one_until_a_file_is_edited_added_or_removed(package):
    recorded(package)
    found = [source.wheel()]
    for change in (
        lambda: (package / "errors.py").write_text(""),
        lambda: (package / "more.py").write_text(""),
        (package / "cli" / "run.py").unlink,
    ):
        forget()
        shutil.rmtree(package.parent / "mhx-0.1.0.dist-info")
        recorded(package)
        change()
        forget()
        found.append(source.wheel())
    assert found == [True, False, False, False]


def test_two_records_of_one_package_are_none(package):
    folder = recorded(package)
    shutil.copytree(folder, folder.with_name("mhx-0.0.9.dist-info"))
    assert source.wheel() is None


@pytest.mark.parametrize("program", ["/usr/bin/mhx", "/opt/lib/mhx/__main__.py"])
def test_a_command_is_told_as_it_can_be_typed(program, monkeypatch):
    monkeypatch.setattr("sys.argv", [program, "run", "a b.toml"])
    assert source.own_command() == ["mhx", "run", "a b.toml"]
