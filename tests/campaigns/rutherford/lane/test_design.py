"""One duration, one step, one cadence: what a lane derives from its flags."""

import pytest

from mhx.campaigns.rutherford.lane import design
from mhx.campaigns.rutherford.lane.flags import Lane, Options
from mhx.errors import ConfigError

SMALL = {"width": 0.45, "eta": 0.008, "nx": 48, "ny": 48}
GRIDS = {"convergence_resolutions": "32,48,64", "crosscheck_resolutions": "40,56,64"}


def lane(**flags):
    return Lane.of(Options(**flags))


def test_the_figures_of_the_specification():
    """gamma 0.125, 121 frames, dt 0.02: t_end 240, stride 100, interval 2, fit up to 16."""
    made = design.cadence(0.125, lane(target_saved_frames=121), 0.02)
    assert (made.t_end, made.save_every) == (240.0, 100)
    assert (made.save_interval, made.fit_stop) == (2.0, 16.0)


def test_a_declared_rate_sets_the_duration():
    """The plan's own gate holds it against the computed one."""
    thought = design.think(lane(harris_growth_rate=0.125, target_saved_frames=121, dt=0.011))
    assert thought.cadence.t_end == 240.0
    assert thought.duration.rate.source == "declared"
    assert thought.duration.rate.computed == pytest.approx(0.10494, rel=1e-3)


def test_a_fit_ends_within_the_run():
    made = design.cadence(0.125, lane(target_saved_frames=3), 0.02)
    assert made.fit_stop == made.t_end == 240.0
    assert design.cadence(0.125, lane(fit_stop=5.0), 0.02).fit_stop == 5.0


def test_a_cadence_may_be_given_as_a_time():
    made = design.cadence(0.125, lane(save_interval=0.5), 0.02)
    assert (made.save_every, made.save_interval) == (25, 0.5)


@pytest.mark.parametrize(
    "flags", [{"save_interval": 0.51}, {"save_interval": 0.5, "save_every": 20}], ids=str
)
def test_all_stages_share_one_cadence_of_whole_steps(flags):
    with pytest.raises(ConfigError, match="share one cadence of whole steps"):
        design.cadence(0.125, lane(**flags), 0.02)


def test_the_automatic_step_is_stable_in_every_stage():
    thought = design.think(lane(**SMALL, **GRIDS, widths="0.4,0.45", etas="0.02,0.008"))
    for case in thought.cases:
        limit = design.configured(case.asked, "auto").time_step
        assert case.dt <= limit.dt
    assert 0.3 < thought.ratio <= 0.5
    # no grid finer than the run's: then the ladder does not bind
    coarse = design.think(
        lane(**SMALL, convergence_resolutions="48", crosscheck_resolutions="32", etas="0.008")
    )
    assert coarse.cadence.dt > thought.cadence.dt


def test_each_ladder_halves_the_step_on_its_coarsest_grid():
    thought = design.think(lane(**SMALL, **GRIDS, dt=0.02))
    main = [case for case in thought.cases if case.stage == "double_harris_convergence_main"]
    assert [(case.asked.nx, case.dt) for case in main] == [
        *((32, 0.02), (48, 0.02), (64, 0.02)),
        *((32, 0.02), (32, 0.01), (32, 0.005)),
    ]
    assert len({case.key for case in main}) == 5  # the first of both ladders is one run


def test_steps_of_a_ladder_end_at_one_time():
    made = design.think(lane(**SMALL, **GRIDS)).cadence
    for part in (1, 2, 4):
        assert part * made.steps * (made.dt / part) == pytest.approx(made.t1, rel=1e-14)


def test_seeds_have_noise_of_their_own():
    thought = design.think(lane(**SMALL, **GRIDS, seeds="3,5"))
    seeds = [case.asked for case in thought.cases if case.stage == "seed_qi"]
    assert [table.seed for table in seeds] == [3, 5]
    assert {table.noise_amplitude for table in seeds} == {0.05 * 4e-3}


def test_a_stable_sheet_needs_a_rate():
    with pytest.raises(ConfigError, match="does not grow"):
        design.think(lane(width=1.2, nx=48, ny=48, **GRIDS, widths="1.2"))


def test_the_cosine_sheet_has_no_width():
    asked = lane(equilibrium="cosine_tearing")
    assert (asked.width, asked.widths) == (None, ())
    assert (asked.mode_x, asked.mode_y, asked.hold_equilibrium) == (1, 1, False)
    assert design.think(asked).cadence.t_end == pytest.approx(2290.08, abs=0.01)


REFUSED = {
    "both": ({"execute": True, "dry_run": True}, "--dry-run and --execute exclude each other"),
    "twice": ({"seeds": "0,0"}, "--seeds must differ from one another, got '0,0'"),
    "words": ({"etas": "a,b"}, "--etas must be numbers, separated by commas, got 'a,b'"),
    "coarse": ({"convergence_resolutions": "4,64"}, "--convergence-resolutions must be >= 8"),
    "pairs": ({"viscosities": "1e-3"}, r"--viscosities must be as many as --etas \(3\), got 1"),
    "frames": ({"target_saved_frames": 2}, "--target-saved-frames must be >= 3"),
    "floor": ({"min_island_width_amplification": 0.9}, "--min-island-width-amplification must be"),
    "jobs": ({"jobs": "0"}, "--jobs must be >= 1 or 'auto', got 0"),
    "not a number": ({"grace_seconds": "nan"}, "--grace-seconds must be finite"),
    "cosine width": (
        {"equilibrium": "cosine_tearing", "widths": "0.3,0.4"},
        "--widths is no parameter of cosine_tearing",
    ),
}


@pytest.mark.parametrize(("flags", "message"), REFUSED.values(), ids=REFUSED)
def test_refused(flags, message):
    with pytest.raises(ConfigError, match=message):
        lane(**flags)


def test_all_faults_are_told_at_once():
    with pytest.raises(ConfigError, match="production-lane: 3 faults") as caught:
        lane(nx=3, seeds="0,0", jobs="none")
    assert all(flag in str(caught.value) for flag in ("--nx", "--seeds", "--jobs"))


UNTHINKABLE = {
    "steps": ({"dt_values": "1e-320"}, "--dt-values must reach .* in fewer than 1e.12 steps"),
    "steps of the other": ({"crosscheck_dt_values": "1e-12"}, "--crosscheck-dt-values must reach"),
    "width": ({"widths": "0.36,5"}, "production-lane: 1 fault\n  --width must be <= 1.5708"),
}


@pytest.mark.parametrize(("flags", "message"), UNTHINKABLE.values(), ids=UNTHINKABLE)
def test_no_lane_follows(flags, message):
    with pytest.raises(ConfigError, match=message):
        design.think(lane(**flags))
