"""Which code made a run: a wheel as it was built, a clean commit, or nothing that can be named."""

import json

import pytest

pytestmark = pytest.mark.slow
WHO = "import json, mhx, mhx.evidence.provenance as p; print(json.dumps([mhx.__file__, p.git()]))"


def test_commands_are_those_of_the_wheel(mhx, site):
    where, git = json.loads(mhx.python("-c", WHO).stdout)
    assert where == str(site / "mhx" / "__init__.py")
    assert git == {"commit": None, "dirty": None}
