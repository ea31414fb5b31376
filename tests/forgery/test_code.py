"""Which code made a run: a wheel as it was built, a clean commit, or nothing that can be named."""

import json
import shutil

import pytest

from .refusal import refused

pytestmark = pytest.mark.accept
WHO = "import json, mhx, mhx.evidence.provenance as p; print(json.dumps([mhx.__file__, p.git()]))"
TINY = ("--nx", 8, "--ny", 8, "--dt", 0.01, "--t-end", 0.1, "--min-production-resolution", 8)


def test_commands_are_those_of_the_wheel(mhx, site):
    where, git = json.loads(mhx.python("-c", WHO).stdout)
    assert where == str(site / "mhx" / "__init__.py")
    assert git == {"commit": None, "dirty": None}


def looser_bounds_in_the_package(site):
    path = site / "mhx" / "campaigns" / "thresholds.py"
    path.write_text(path.read_text().replace("1e-6", "1e-1"))


def one_module_more(site):
    (site / "mhx" / "extra.py").write_text("")


def a_package_without_its_record(site):
    for path in site.glob("mhx-*.dist-info"):
        shutil.rmtree(path)


CHANGED = (looser_bounds_in_the_package, one_module_more, a_package_without_its_record)


@pytest.mark.parametrize("change", CHANGED, ids=lambda change: change.__name__)
def test_a_package_that_is_not_the_wheel_it_came_from_has_no_identity(mhx, site, tmp_path, change):
    """The gates of such a package say what its owner wants; so they cannot speak for a claim."""
    own = tmp_path / "site"
    shutil.copytree(site, own)
    change(own)
    run = tmp_path / "run"
    plan = ("campaign", "rutherford-plan-production", "--outdir", run, *TINY)
    mhx.alone(*plan, PYTHONPATH=str(own))
    mhx.alone("campaign", "rutherford-execute", run, PYTHONPATH=str(own))
    said = mhx("campaign", "rutherford-promotion-check", run)
    refused(said, "unknown +code_identity_recorded")


def test_a_run_made_by_two_codes_is_of_neither(mhx, site, tmp_path):
    """Planned and started with one, finished with the other, judged by the first."""
    own = tmp_path / "site"
    shutil.copytree(site, own)
    one_module_more(own)
    run = tmp_path / "run"
    mhx("campaign", "rutherford-plan-production", "--outdir", run, *TINY)
    mhx("campaign", "rutherford-execute", run, "--max-steps", 4)
    mhx.alone("campaign", "rutherford-execute", run, PYTHONPATH=str(own))
    said = mhx("campaign", "rutherford-promotion-check", run)
    refused(said, "(fail|unknown) +code_identity_recorded")
