"""The movies of a long run come from what its case kept; other studies have none."""

import json
import shutil
from dataclasses import replace

import pytest

from mhx.campaigns.rutherford.studies import movies
from mhx.campaigns.rutherford.studies.flags import LongRun, Seeds, study_of
from mhx.errors import EvidenceError
from mhx.reconnection.run import run
from mhx.runner import RunRequest

GRID = {"nx": 8, "ny": 8, "mode_x": 1, "t_end": 0.2, "dt": 0.02, "save_every": 2, "width": 1.0}


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """The case of a long run, as its child leaves it."""
    folder = tmp_path_factory.mktemp("case")
    run(RunRequest(config=as_a_child(study_of(LongRun(**GRID)).base), output_dir=folder))
    return folder


def as_a_child(base):
    return {**base, "diagnostics": {**base["diagnostics"], "figures": False}}


@pytest.fixture
def long_run(finished, tmp_path):
    study = study_of(LongRun(outdir=tmp_path / "run", **GRID))
    shutil.copytree(finished, study.outdir / "cases" / "long_run")
    return study


@pytest.mark.slow
def test_both_movies_cover_the_whole_run(long_run):
    paths = movies.draw(long_run)
    assert sorted(path.name for path in paths) == [
        "fixed_scale_current_density_movie.gif",
        "fixed_scale_current_density_movie.json",
        "fixed_scale_flux_movie.gif",
        "fixed_scale_flux_movie.json",
    ]
    assert {path.parent for path in paths} == {long_run.outdir / "figures"}
    sidecar = json.loads((long_run.outdir / "figures" / "fixed_scale_flux_movie.json").read_text())
    assert sidecar["frame_steps"] == [0, 2, 4, 6, 8, 10]


def test_no_movies_where_none_are_asked_for(long_run):
    assert movies.draw(replace(long_run, movies=False)) == []
    assert not (long_run.outdir / "figures").exists()


def test_no_movies_where_the_case_did_not_end(tmp_path):
    assert movies.draw(study_of(LongRun(outdir=tmp_path / "run", **GRID))) == []


def test_no_movies_of_an_ensemble(tmp_path):
    assert movies.draw(study_of(Seeds(outdir=tmp_path, **GRID))) == []


def test_torn_pictures_are_told(long_run):
    frames = long_run.outdir / "cases" / "long_run" / "frames.npz"
    frames.write_bytes(frames.read_bytes()[:-100])
    with pytest.raises(EvidenceError, match=r"frames\.npz"):
        movies.draw(long_run)
