"""What stands between a promotion report and a claim: evidence, scope and stretches drawn anew."""

import math
from types import SimpleNamespace

import pytest

from mhx.campaigns.rutherford import closing, promotion
from mhx.campaigns.rutherford.restart_check import RestartCheck, Stretch
from mhx.campaigns.supporting import Bundle, Bundles, Content
from mhx.evidence.claims import ClaimLevel
from mhx.evidence.store import strict

from .studies.synthetic import config

TOP = ClaimLevel.PRODUCTION.value


def bundles(digest="a" * 64, resolutions=((64, 64), (96, 96))):
    content = Content(results=(), cases={"c": "1"}, covers={"resolutions": resolutions})
    one = Bundle(path="../one", checks={"there": True}, digest=digest, content=content)
    return Bundles(convergence=[one])


def report(found):
    scope = strict(found.scope())
    return {"evidence_digests": found.digests, "evidence_scope": scope}


def test_evidence_that_is_as_it_was_judged_stands():
    assert list(promotion._changed(report(bundles()), bundles())) == []


def test_evidence_that_was_changed_since_is_named():
    (told,) = promotion._changed(report(bundles()), bundles(digest="b" * 64))
    assert told == "the evidence in ../one is not the one that was judged; check again"


def test_evidence_that_was_taken_out_of_the_report_is_named():
    stated = report(bundles()) | {"evidence_digests": {}}
    assert any("../one" in told for told in promotion._changed(stated, bundles()))


def test_a_scope_that_was_written_in_is_refused():
    stated = report(bundles(resolutions=((64, 64), (512, 512))))
    (told,) = promotion._changed(stated, bundles())
    assert "a scope that its evidence does not have" in told


def stretch(difference):
    return Stretch(
        purpose="drawn",
        start_step=0,
        end_step=10,
        states_compared=1,
        rows_compared=2,
        state_difference=difference,
        row_difference=0.0,
        device="cpu: cpu",
    )


REPEATED = {
    "equal to the last bit": (RestartCheck(stretches=[stretch(0.0)]), []),
    "different": (RestartCheck(stretches=[stretch(1e-3)]), ["restart_difference 0.001"]),
    "not a number": (RestartCheck(stretches=[stretch(float("inf"))]), ["unknown"]),
    "not done": (RestartCheck(stretches=(), reason="too long"), ["not reported"]),
}


class Planned:
    """As much of a plan as drawing a stretch asks for."""

    config = config().document()
    thresholds = {"max_restart_difference": 1e-10}  # noqa: RUF012


@pytest.mark.parametrize(("again", "told"), REPEATED.values(), ids=REPEATED)
def test_a_claim_draws_its_own_stretch(tmp_path, monkeypatch, again, told):
    monkeypatch.setattr(promotion, "read_records", lambda root: ([], []))
    asked = []

    def drawn(folder, config, records, steps):
        asked.append(steps)
        return again

    monkeypatch.setattr(promotion, "_restart", drawn)
    stated = {"restart_check": {"stretches": [{"start_step": 0, "end_step": 30000}]}}
    found = list(promotion._not_repeated(SimpleNamespace(root=tmp_path), Planned, stated))
    assert asked == [30000]  # as long as those of the check, whatever the default is
    assert len(found) == len(told)
    assert all(words in line for line, words in zip(found, told, strict=True))


# -- the sentence of the claim -----------------------------------------------------------------


@pytest.fixture
def chunk():
    bound = SimpleNamespace(config=config())
    return SimpleNamespace(bound=bound, outcome=SimpleNamespace(end_step=1000))


def test_a_claim_says_over_what_it_persists(chunk):
    told = closing.scope(chunk, TOP, report(bundles()))
    assert told.startswith(f"{TOP} for periodic_double_harris (held), a = 0.45, k = 1, eta = 0.008")
    assert "t = 0 .. 80, 16 x 16 points, dt = 0.08, seed 0, noise/seed 0.00025" in told
    assert "it persists over 2 resolutions (64 x 64 .. 96 x 96); numerical" in told


def test_a_claim_names_a_mode_of_the_box_that_grows_faster(chunk):
    assert "faster" not in closing.scope(chunk, TOP, report(bundles()))
    side = 2 * math.pi
    mode = {"physics__equilibrium_parameters__perturbation_mode_y": 3}
    chunk.bound.config = config(mesh__upper=[side, 3 * side], **mode)
    told = closing.scope(chunk, TOP, report(bundles()))
    assert "; mode 2 along the sheets grows faster than the followed mode 3: 0." in told


def test_a_validation_claims_no_evidence_from_other_runs(chunk):
    assert "persists" not in closing.scope(chunk, "validation", report(bundles()))
