"""What is true of the tree itself: sizes, layers, words in one place, no machine paths."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "mhx"
MODULES = sorted(SOURCE.rglob("*.py"))
NAMES = [path.relative_to(SOURCE).as_posix() for path in MODULES]

LONGER_FILES = {  # file: the reason why it may pass 400 lines
    "evidence/verify.py": "one file by design: it is copied into bundles and stands alone there",
}
LONGER_COMMANDS: dict[str, str] = {}  # command: the reason why its body may pass 15 lines


@pytest.mark.parametrize("path", MODULES, ids=NAMES)
def test_a_file_has_at_most_400_lines(path):
    name = path.relative_to(SOURCE).as_posix()
    assert len(path.read_text().splitlines()) <= 400 or name in LONGER_FILES


@pytest.mark.parametrize("path", MODULES, ids=NAMES)
def test_a_module_says_what_it_is(path):
    assert ast.get_docstring(ast.parse(path.read_text()))


COMMANDS = [
    (function.name, function)
    for path in sorted((SOURCE / "cli").glob("*.py"))
    for function in ast.walk(ast.parse(path.read_text()))
    if isinstance(function, ast.FunctionDef)
    and "json" in {arg.arg for arg in (*function.args.args, *function.args.kwonlyargs)}
]


@pytest.mark.parametrize(("name", "function"), COMMANDS, ids=[name for name, _ in COMMANDS])
def test_the_body_of_a_command_has_at_most_15_lines(name, function):
    first, *rest = function.body
    is_text = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)
    start = rest[0].lineno if is_text and rest else first.lineno
    assert function.end_lineno - start + 1 <= 15 or name in LONGER_COMMANDS


def test_the_word_for_the_highest_level_is_written_once():
    """As a whole literal; everybody else asks `ClaimLevel`."""
    word = "production"
    found = [
        path.relative_to(SOURCE).as_posix()
        for path in MODULES
        if any(
            isinstance(node, ast.Constant) and node.value == word
            for node in ast.walk(ast.parse(path.read_text()))
        )
    ]
    assert found == ["evidence/claims.py"]


def test_imports_go_one_way():
    done = subprocess.run(
        [Path(sys.executable).parent / "lint-imports", "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout


BROAD = {"cli/__init__.py": 1, "workflow/run.py": 1}


@pytest.mark.parametrize("path", MODULES, ids=NAMES)
def test_broad_excepts_stand_in_two_places(path):
    """`except BaseException` is for clean-up that raises again; nothing else catches everything."""
    count = 0
    for node in ast.walk(ast.parse(path.read_text())):
        if not isinstance(node, ast.ExceptHandler):
            continue
        kinds = node.type.elts if isinstance(node.type, ast.Tuple) else [node.type]
        names = {getattr(kind, "id", None) for kind in kinds}
        assert node.type is not None
        if "BaseException" in names:
            assert isinstance(node.body[-1], ast.Raise)
        count += "Exception" in names
    assert count == BROAD.get(path.relative_to(SOURCE).as_posix(), 0)


DRAWERS = {"utils", "util", "common", "core", "helpers", "misc", "manager"}


def test_there_is_no_drawer():
    assert not DRAWERS & {part for path in MODULES for part in (path.stem, path.parent.name)}


TEXT = {".py", ".toml", ".md", ".sh", ".jsonl", ".json", ".yml", ".yaml", ""}
# in pieces, so that this file does not hold what it looks for
OURS = ("/ro" + "ot/", "/ho" + "me/", "/wo" + "rk/", "C:" + "\\Users", "TO" + "DO", "FIX" + "ME")
INVENTED = "/ho" + "me/"  # tests may show how a path of somebody is told


def test_no_machine_path_and_no_open_end_is_in_the_tree():
    listed = subprocess.check_output(["git", "ls-files"], cwd=ROOT, text=True).splitlines()
    found = [
        f"{name}: {word}"
        for name in listed
        if Path(name).suffix in TEXT and (ROOT / name).is_file()
        for word in OURS
        if word in (ROOT / name).read_text()
        and not (word == INVENTED and name.startswith("tests/"))
    ]
    assert not found
