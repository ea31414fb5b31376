"""The template: long enough on paper, judged from its files."""

import copy
import json
import tomllib

import pytest

from mhx.campaigns.rutherford import plan, template
from mhx.campaigns.rutherford.template import GATES, Options, measure, outline, write
from mhx.errors import ConfigError
from mhx.evidence import verify
from mhx.evidence.gates import Verdict, judge_all

SMALL = {"nx": 64, "ny": 64}
FILES = {
    *("campaign.json", "campaign_config.toml", "duration_assessment.json", "validation.json"),
    *("manifest.json", "verify.py"),
}


def test_the_default_template(tmp_path):
    answer = write(Options(outdir=tmp_path / "t"))
    assert answer.exit_code == 0
    names = {path.name for path in (tmp_path / "t").iterdir() if not path.name.startswith(".lock")}
    assert names == FILES
    campaign = json.loads((tmp_path / "t/campaign.json").read_text())
    assert campaign["claim_level"] == "production_template"
    assert campaign["duration_assessment"]["required_t_end"] == pytest.approx(2290.076, abs=1e-3)
    config = tomllib.loads((tmp_path / "t/campaign_config.toml").read_text())
    assert config["mesh"]["shape"] == [128, 128]
    assert config["output_dir"] == "outputs/production/rutherford_island"
    assert verify.verify(tmp_path / "t").problems == []


def test_its_run_file_has_the_keys_of_a_plan(tmp_path):
    write(Options(outdir=tmp_path / "t", nx=8, ny=8))
    plan.plan_production(
        plan.Options(outdir=tmp_path / "run", nx=8, ny=8, seconds_per_step_estimate=1e-3)
    )
    sketched, planned = (
        tomllib.loads((tmp_path / folder / "campaign_config.toml").read_text())
        for folder in ("t", "run")
    )
    assert _keys(sketched) == _keys(planned)
    # max(3 samples, 2/gamma), from the start
    window = sketched["diagnostics"]["fit_time_window"]
    interval = sketched["time"]["save_every"] * sketched["time"]["dt"]
    assert window == [0.0, max(3 * interval, 2 / 0.0131)]


def _keys(table):
    return {
        name: _keys(value) if isinstance(value, dict) else None for name, value in table.items()
    }


def test_a_template_can_be_made_again(tmp_path):
    write(Options(outdir=tmp_path, **SMALL))
    assert write(Options(outdir=tmp_path, nx=96, ny=96)).exit_code == 0
    assert verify.verify(tmp_path).problems == []


def test_a_small_template_is_no_template(tmp_path):
    answer = write(Options(outdir=tmp_path, nx=32, ny=64))
    assert answer.exit_code == 1
    assert [result.gate.name for result in answer.not_passed] == ["not_fast_resolution"]
    assert json.loads((tmp_path / "manifest.json").read_text())["claim_level"] == "unspecified"


REFUSED = {
    "frames": ({"target_saved_frames": 9}, "--target-saved-frames must be >= 10"),
    "grid": ({"nx": 7}, "--nx must be >= 8"),
    "rate": ({"harris_growth_rate": -1.0}, "--harris-growth-rate must be > 0"),
    "step": ({"dt": 0.1}, "--dt must be <= 0.0605"),
    "a word for a count": ({"ny": "many"}, "--ny must be a whole number >= 8"),
    "rate and e-folds in words": ({"production_efolds": "nan"}, "--production-efolds must be fin"),
    "endless": ({"production_efolds": 1e14}, "rutherford-template: .*; change --production-efolds"),
}


@pytest.mark.parametrize(("flags", "told"), REFUSED.values(), ids=REFUSED)
def test_refusals_write_nothing(flags, told, tmp_path):
    with pytest.raises(ConfigError, match=told):
        write(Options(outdir=tmp_path / "t", **flags))
    assert not (tmp_path / "t").exists()


def test_a_foreign_folder_is_refused(tmp_path):
    (tmp_path / "thesis.tex").write_text("x")
    with pytest.raises(ConfigError, match=r"not empty.*thesis\.tex"):
        write(Options(outdir=tmp_path, **SMALL))


@pytest.fixture(scope="module")
def sound():
    drawn = outline(template.Sketch.model_validate(SMALL))
    return template.document(drawn), drawn.config


def changed(sound, key, value):
    campaign = copy.deepcopy(sound[0])
    campaign[key] = value
    return campaign


FAILING = {
    "too few steps": ("estimated_steps", 100, "duration_guard_passed"),
    "longer duration needed than the run file has": (
        "duration_assessment",
        {"growth_rate": 0.001, "required_efolds": 10, "safety_factor": 3},
        "long_time_window",
    ),
    "too few samples": ("estimated_saved_frames", 99, "sufficient_saved_frames"),
    "no movies": ("movie_requirements", [], "fixed_scale_movie_requirements_recorded"),
    "movies without fixed limits": (
        "movie_requirements",
        [
            {"movie": name, "fixed_limits": False, "time_stamp_in_each_frame": True}
            for name in template.outputs.MOVIES
        ],
        "fixed_scale_movie_requirements_recorded",
    ),
    "no histories": ("nonlinear_diagnostics", [], "nonlinear_diagnostics_requirements_recorded"),
}


@pytest.mark.parametrize(("key", "value", "gate"), FAILING.values(), ids=FAILING)
def test_a_gate_that_must_not_pass(key, value, gate, sound):
    found = judge_all(GATES, measure(changed(sound, key, value), sound[1]))
    assert gate in [result.gate.name for result in found if result.verdict is not Verdict.PASS]


def test_a_sound_template_passes(sound):
    assert all(result.passed for result in judge_all(GATES, measure(*sound)))
