"""The runbook, verbatim."""

from pathlib import Path

import pytest

from mhx.campaigns import runbook

DOCUMENT = {
    "plan_digest": "0123456789abcdef",
    "claim_level": "production_template",
    "duration_assessment": {
        "growth_rate": 0.1,
        "growth_rate_source": "computed",
        "growth_rate_computed": 0.1,
        "safety_factor": 3.0,
        "required_efolds": 10.0,
        "required_t_end": 300.0,
        "t_end": 300.0,
    },
    "time_step": {"dt": 0.02, "dt_max": 0.06, "source": "given"},
    "estimated_steps": 15000,
    "estimated_saved_frames": 121,
    "save_every": 125,
    "checkpoint_every_steps": 1875,
    "estimated_checkpoints": 8,
    "estimated_walltime_jobs": 1,
    "steps_per_walltime_job": 15000,
    "estimated_walltime_seconds": 15000 * 0.5,
    "walltime_policy": {
        "max_walltime_hours": 12.0,
        "seconds_per_step_estimate": 0.5,
        "seconds_per_step_source": "given",
    },
    "resource_estimate": {"memory_bytes": 2**29, "disk_bytes": 2**25, "device": "x86_64"},
    "promotion_outlook": [{"gate": "equilibrium_tearing_unstable", "why": "it is stable"}],
}

TEXT = """\
# Runbook

Schema `mhx.campaign.rutherford_runbook.v1`, plan digest `0123456789ab`,
level `production_template`.

## Duration

t_end >= s_f N_e / gamma = 3 * 10 / 0.1 = 300 L/v_A

- gamma: eigen-solve of the configured sheet
- computed: 0.1 v_A/L
- t_end 300 L/v_A = 15000 steps of dt 0.02 (given; largest stable 0.06)

## Run

- 121 samples, one every 125 steps
- a checkpoint at least every 1875 steps (8 of them)
- 1 job(s) of at most 15000 steps, 12 h each (`job_array.json`)
- cost of the whole run: 2.08 h at 0.5 s per step (given, x86_64)
- memory 512 MiB, disk 32 MiB

```sh
cd '/home/a user'
mhx campaign rutherford-resume-plan 'my run'
mhx campaign rutherford-execute 'my run' --movies
mhx campaign rutherford-status 'my run'
mhx campaign rutherford-promotion-check 'my run'
mhx verify 'my run'
```

Running a command again is safe: it continues, or finds nothing to do, or says why not.
Exit 75 means: stopped early with a checkpoint; run the same command again.

## Evidence still needed

- convergence: two distinct bundles below `convergence/`, two resolutions and two steps
- seeds: one bundle of at least eight seeds in `seed_qi/`
- both fixed-scale movies (`--movies`)
- the promotion check itself, which integrates a stretch again

This plan cannot become more than a validation:

- `equilibrium_tearing_unstable`: it is stable
"""


def test_the_runbook_verbatim():
    text = runbook.render(DOCUMENT, run_dir=Path("my run"), started_in=Path("/home/a user"))
    assert text == TEXT


SPANS = {30.0: "30 s", 90.0: "1.5 min", 7200.0: "2 h", 200000.0: "2.31 d"}


@pytest.mark.parametrize(("seconds", "told"), SPANS.items())
def test_spans(seconds, told):
    assert runbook.span(seconds) == told
