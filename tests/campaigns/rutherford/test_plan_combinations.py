"""Any flags together: a plan, a plan that did not pass, or a refusal that leaves nothing behind."""

import contextlib
import io
import tempfile
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mhx.cli import main

POSITIVE = ["1e-300", "1e-9", "1e-3", "0.1", "0.4", "1", "3", "100", "1e6", "1e9", "1e13", "1e300"]
NUMBERS = st.sampled_from([*POSITIVE, "0", "-1", "-0.0", "nan", "inf", "1e400", "many"])
COUNTS = st.sampled_from(
    ["0", "1", "2", "3", "9", "500", "-1", "2.5", "many", str(2**63), "1" * 99]
)
FLAGS = {
    **dict.fromkeys(
        (
            *("--width", "--amplitude", "--perturbation-amplitude", "--eta", "--nu"),
            *("--noise-amplitude", "--harris-growth-rate", "--production-efolds"),
            *("--safety-factor", "--t-end", "--lx", "--ly", "--dt", "--max-walltime-hours"),
            *("--preemption-margin-minutes", "--checkpoint-interval-minutes"),
            "--seconds-per-step-estimate",
        ),
        NUMBERS,
    ),
    **dict.fromkeys(
        (
            *("--mode-x", "--mode-y", "--seed", "--target-saved-frames", "--save-every"),
            "--min-production-resolution",
        ),
        COUNTS,
    ),
    "--equilibrium": st.sampled_from(["cosine_tearing", "periodic_double_harris", "zero"]),
    "--dtype": st.sampled_from(["float64", "float32", "float16"]),
    "--threshold": st.sampled_from(["max_divergence_linf=1", "min_saved_frames=1e300", "x=1"]),
    "--nx": st.sampled_from(["8", "9", "16", "4", "8193"]),
}
SMALL = {"--nx": "8", "--ny": "8", "--seconds-per-step-estimate": "1e-3"}
FEW = st.lists(st.sampled_from(sorted(FLAGS)), min_size=1, max_size=3, unique=True)
ANY = FEW.flatmap(lambda names: st.fixed_dictionaries({name: FLAGS[name] for name in names}))


@pytest.mark.slow
@settings(max_examples=250, deadline=None, derandomize=True)
@given(ANY)
@example({"--max-walltime-hours": "0.1"})
@example({"--save-every": "1" * 400})
@example({"--min-production-resolution": "1" * 400})
@example({"--seconds-per-step-estimate": "1e12", "--production-efolds": "1e9"})
def test_no_combination_is_a_bug(flags):
    words = [word for pair in (SMALL | flags).items() for word in pair]
    with tempfile.TemporaryDirectory() as folder:
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            command = ["campaign", "rutherford-plan-production", "--outdir", f"{folder}/run"]
            code = main([*command, *words])
        assert code in (0, 1, 2), err.getvalue()
        assert "Traceback" not in err.getvalue()
        if code == 2:
            assert "--" in err.getvalue()
            assert list(Path(folder).iterdir()) == []
