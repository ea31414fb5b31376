"""Public names, start-up, units: what others may count on."""

import importlib
import shutil
import subprocess
import sys

import pytest

import mhx
from mhx.workflow import registry

HEAVY = ("jax", "numpy", "scipy", "flopy", "gmsh", "matplotlib", "pydantic")
LIGHT = (
    *("mhx", "mhx.cli", "mhx.campaigns", "mhx.testbed"),
    *("mhx.evidence.verify", "mhx.execution.worker", "mhx.runner", "mhx.errors"),
)
PUBLIC = ("mhx", "mhx.config", "mhx.campaigns", "mhx.testbed")


@pytest.mark.parametrize("module", LIGHT)
def test_it_starts_without_a_solver(module):
    code = f"import sys, {module}; print(len(sys.modules), *({set(HEAVY)} & set(sys.modules)))"
    count, *found = subprocess.check_output([sys.executable, "-c", code], text=True).split()
    assert not found
    assert int(count) <= 300


@pytest.mark.parametrize("name", PUBLIC)
def test_public_names_are_those_of_all(name):
    module = importlib.import_module(name)
    assert len(set(module.__all__)) == len(module.__all__)
    defined = {
        public
        for public, value in vars(module).items()
        if getattr(value, "__module__", None) == name and not public.startswith("_")
    }
    assert defined <= set(module.__all__)
    for public in module.__all__:
        assert getattr(module, public) is not None


def test_an_unknown_public_name_is_refused():
    with pytest.raises(AttributeError, match="Simulatoin"):
        mhx.Simulatoin  # noqa: B018


def _numbers(node, schema, above=""):
    """Every numeric key of a JSON Schema: its name and its description."""
    for name, child in node.get("properties", {}).items():
        arms = [child, *child.get("anyOf", []), *child.get("prefixItems", [])]
        arms.append(child.get("items", {}))
        if any(arm.get("type") in ("number", "integer") for arm in arms):
            yield f"{above}{name}", child.get("description", "")
        for arm in arms:
            if "$ref" in arm:
                inner = schema["$defs"][arm["$ref"].rpartition("/")[2]]
                yield from _numbers(inner, schema, f"{above}{name}.")


@pytest.mark.parametrize("mode", registry.modes())
def test_every_number_of_a_configuration_says_its_unit(mode):
    schema = registry.table_of(registry.row_of(mode)).model_json_schema()
    found = dict(_numbers(schema, schema))
    assert found
    assert not [name for name, text in found.items() if not text.endswith("]") or "[" not in text]


def test_the_verifier_runs_alone(tmp_path):
    """A plain Python without this package, its environment or its folder."""
    from mhx.evidence import verify

    script = tmp_path / "verify.py"
    shutil.copyfile(verify.__file__, script)
    words = [sys.executable, "-I", "-S", script, "--help"]
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode in (0, 2)
    assert "Traceback" not in done.stderr
    empty = tmp_path / "empty"
    empty.mkdir()
    refused = subprocess.run(
        [sys.executable, "-I", "-S", script, empty], capture_output=True, text=True, check=False
    )
    assert refused.returncode != 0
    assert "Traceback" not in refused.stderr


def test_exit_codes_are_those_of_the_page():
    from mhx import errors

    codes = {
        name: kind.exit_code
        for name, kind in vars(errors).items()
        if isinstance(kind, type) and issubclass(kind, errors.MhxError)
    }
    assert codes == {
        **{"MhxError": 70, "ConfigError": 2, "RunError": 3, "SolverError": 3, "EngineMissing": 3},
        **{"EvidenceError": 4, "MissingMetric": 4, "ClaimRefused": 5, "RunLocked": 6},
    }
    for code in (*codes.values(), errors.STOPPED_EARLY, errors.INTERRUPTED, errors.BUG):
        assert f"\n    {code} " in errors.__doc__
