"""The package as a user has it: a wheel, built from this tree and installed where no git looks.

A work tree with changes has no code identity and can claim nothing, so every command here runs in
one process that imports the wheel.  It stays alive: imports and compiled kernels are paid once.  It
draws no pictures, which no forgery is told by.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
SOURCES = ("pyproject.toml", "README.md", "LICENSE")

SERVER = """
import contextlib, io, json, os, secrets, sys
answers = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)
choice, below = secrets.choice, secrets.randbelow
from mhx.campaigns import promotion
from mhx.campaigns.rutherford import claim_figures, conclusion
from mhx.cli import main
from mhx.evidence import store
promotion.gate_matrix = lambda path, *words, **more: store.write_bytes(path, b"no picture")
claim_figures.draw = lambda *words: []
conclusion.figures.all_histories = lambda *words, **more: []
store.os.fsync = lambda handle: None
for line in sys.stdin:
    asked = json.loads(line)
    draw = asked["draw"]
    secrets.choice = choice if draw is None else lambda offered: list(offered)[draw]
    secrets.randbelow = below if draw is None else lambda count: 0 if count < 100 else count - 1
    os.chdir(asked["cwd"])
    sys.argv = ["mhx", *asked["words"]]
    with contextlib.redirect_stdout(io.StringIO()) as told:
        with contextlib.redirect_stderr(io.StringIO()) as aside:
            code = main(asked["words"])
    answer = {"code": code, "out": told.getvalue(), "err": aside.getvalue()}
    print(json.dumps(answer), file=answers, flush=True)
"""


def _pip(*words: object) -> None:
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    done = subprocess.run([*pip, *map(str, words)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"pip {' '.join(map(str, words))}: {done.stderr}"


def install(place: Path) -> Path:
    """Build a wheel of the tree as it is now, and install it below `place`; the folder to import.

    Built from a copy, without a registry: the build folder of a tree may hold modules of old.
    """
    tree = place / "tree"
    tree.mkdir(parents=True)
    for name in SOURCES:
        shutil.copy2(ROOT / name, tree)
    unwanted = shutil.ignore_patterns("__pycache__", "*.egg-info", "*.part")
    shutil.copytree(ROOT / "src", tree / "src", ignore=unwanted)
    _pip("wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", place / "wheels", tree)
    (wheel,) = (place / "wheels").glob("*.whl")
    _pip("install", "--no-deps", "--no-index", "--target", place / "site", wheel)
    return place / "site"


@dataclass(frozen=True)
class Said:
    """What one command answered."""

    code: int
    text: str

    def __contains__(self, words: str) -> bool:
        return words in self.text


class Installed:
    """`mhx` of the wheel; calling it carries out one command line."""

    def __init__(self, site: Path, scratch: Path) -> None:
        self.site = site
        self.scratch = scratch
        self.environment = {**os.environ, "PYTHONPATH": str(site)}
        self._process: subprocess.Popen[str] | None = None

    def __call__(self, *words: object, draw: int | None = None, cwd: Path | None = None) -> Said:
        """The exit code and everything that was printed.

        draw: which of the states and cases offered is integrated again, and to its end, where
            that is drawn at random otherwise.
        """
        process = self._process or self._start()
        asked = {
            "words": [str(word) for word in words],
            "draw": draw,
            "cwd": str(cwd or self.scratch),
        }
        assert process.stdin and process.stdout
        print(json.dumps(asked), file=process.stdin, flush=True)
        answer = process.stdout.readline()
        if not answer:
            self._process = None
            raise AssertionError(f"mhx {' '.join(asked['words'])} took its process down")
        said: dict[str, Any] = json.loads(answer)
        return Said(said["code"], said["out"] + said["err"])

    def alone(self, *words: object, **environment: str) -> Said:
        """The same in a process of its own."""
        done = self.python("-m", "mhx", *words, **environment)
        return Said(done.returncode, done.stdout + done.stderr)

    def python(self, *words: object, **environment: str) -> subprocess.CompletedProcess[str]:
        """A Python that imports the wheel."""
        return subprocess.run(
            [sys.executable, *map(str, words)],
            cwd=self.scratch,
            env={**self.environment, **environment},
            capture_output=True,
            text=True,
            check=False,
        )

    def close(self) -> None:
        if self._process:
            self._process.communicate(timeout=60)  # no more words: it ends, and the pipes close

    def _start(self) -> "subprocess.Popen[str]":
        self.scratch.mkdir(parents=True, exist_ok=True)
        self._process = subprocess.Popen(
            [sys.executable, "-c", SERVER],
            cwd=self.scratch,
            env=self.environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        return self._process


def plain(script: Path, *words: object) -> Said:
    """A script with a plain Python: nothing installed, no variables, no user's folder."""
    command: Sequence[str] = [sys.executable, "-I", "-S", str(script), *map(str, words)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return Said(done.returncode, done.stdout + done.stderr)
