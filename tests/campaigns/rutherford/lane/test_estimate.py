"""What a lane will cost: equal runs once, cases packed, rates from a measurement."""

import json

import pytest

from mhx.campaigns.rutherford.lane import conduct, design, estimate
from mhx.campaigns.rutherford.lane.estimate import Rate, Rates, expected
from mhx.campaigns.rutherford.lane.flags import Lane, Options

FLAGS = {
    "width": 0.45,
    "eta": 0.008,
    "nx": 64,
    "ny": 64,
    "convergence_resolutions": "48,64",
    "crosscheck_resolutions": "48,96",
    "widths": "0.4,0.45",
    "etas": "0.01,0.008",
    "seeds": "0,1,2",
    "dt": 0.02,
    "target_saved_frames": 100,
}
STEP = Rate(0.0, 1.0, 0.0)
ONLY_STEPS = Rates(
    jobs=1,
    start=0.0,
    frame=0.0,
    shared=dict.fromkeys([(48, 48), (64, 64), (96, 96)], STEP),
    alone=STEP,
)


def thought(**flags):
    return design.think(Lane.of(Options(**(FLAGS | flags))))


def test_equal_runs_cost_once():
    """With a step as the unit: the base of each sweep and the first of a ladder are shared."""
    lane = thought()
    steps = lane.cadence.steps
    costs = expected(lane, ONLY_STEPS)
    assert costs["double_harris_convergence_main"] == pytest.approx((2 + 2 + 4) * steps)
    assert costs["double_harris_convergence_crosscheck"] == pytest.approx(1 * steps)
    assert costs["double_harris_width_sweep"] == pytest.approx(1 * steps)
    assert costs["double_harris_eta_lundquist_sweep"] == pytest.approx(1 * steps)
    assert costs["seed_qi"] == pytest.approx(3 * steps)
    assert costs["rutherford_execute"] == steps


def test_cases_are_packed_the_longest_first():
    lane = thought()
    rates = Rates(**{**vars(ONLY_STEPS), "jobs": 2})
    costs = expected(lane, rates)
    assert costs["double_harris_convergence_main"] == pytest.approx(4 * lane.cadence.steps)
    assert costs["seed_qi"] == pytest.approx(2 * lane.cadence.steps)


def test_every_command_has_a_cost():
    lane = design.think(Lane.of(Options(equilibrium="cosine_tearing", nx=48, ny=48, dt="0.01")))
    rates = Rates(**{**vars(ONLY_STEPS), "shared": {(128, 128): STEP}, "start": 1.0})
    costs = expected(lane, rates)
    assert len(costs) == 11
    assert all(cost > 0 for cost in costs.values())


def test_grids_between_two_that_were_timed_follow_a_power():
    rates = Rates(
        jobs=1,
        start=0.0,
        frame=0.0,
        shared={(64, 64): Rate(1.0, 1.0, 1.0), (256, 256): Rate(1.0, 16.0, 4.0)},
        alone=STEP,
    )
    found = rates.of((128, 128))
    assert (found.once, found.step, found.sample) == pytest.approx((1.0, 4.0, 2.0))
    assert rates.of((32, 32)).step == pytest.approx(1.0)


def test_a_given_step_is_taken_for_measured():
    rates = estimate.rates_of(thought(seconds_per_step_estimate=1e-3, jobs=3))
    assert (rates.source, rates.jobs, rates.alone.step) == ("given", 3, 1e-3)
    assert rates.of((96, 96)).step > 2 * rates.of((64, 64)).step


@pytest.mark.slow
def test_a_lane_is_timed_where_it_will_run():
    rates = estimate.measure(thought(jobs=2))
    assert set(rates.shared) == {(48, 48), (64, 64), (96, 96)}
    assert 0.2 < rates.start < 60
    for rate in (*rates.shared.values(), rates.alone):
        assert 1e-5 < rate.step < 1
        assert 1e-4 < rate.sample < 5
    assert 1e-3 < rates.frame < 10


def test_a_later_call_keeps_the_estimate(tmp_path):
    def asked(step):
        conduct.conduct(Options(outdir=tmp_path, seconds_per_step_estimate=step, **FLAGS))
        text = (tmp_path / "production_campaign_manifest.json").read_text()
        return json.loads(text)["campaign"]["estimate"]

    first = asked(1e-3)
    assert first["seconds"] == pytest.approx(sum(first["by_command"].values()))
    assert asked(1e-3) == first
    assert asked(1e-2)["seconds"] > first["seconds"]  # another plan
