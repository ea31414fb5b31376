"""Levels are computed; one door leads to the highest; every transition is on record."""

import getpass

import pytest

from mhx.errors import ClaimRefused, EvidenceError
from mhx.evidence import claims
from mhx.evidence.claims import ClaimLevel, Waiver, grant, supported
from mhx.evidence.gates import Gate, judge
from mhx.evidence.store import read_chained

GATE = Gate(name="g", metric="m", high=1.0, reason="r")
PASSED, FAILED, UNKNOWN = (judge(GATE, {"m": value}) for value in (0.5, 2.0, None))
SMOKE, VALIDATION, PRODUCTION = ClaimLevel
ALL = {level: [PASSED] for level in ClaimLevel}
WAIVER = Waiver(gate="g", production_bound=1.0, used_bound=2.0, where="--threshold")

CASES = {
    "everything passes": (ALL, (), PRODUCTION),
    "a waiver caps": (ALL, (WAIVER,), VALIDATION),
    "a failed gate of the highest level": ({**ALL, PRODUCTION: [PASSED, FAILED]}, (), VALIDATION),
    "an unknown gate of the highest level": ({**ALL, PRODUCTION: [UNKNOWN]}, (), VALIDATION),
    "the highest level not judged": (
        {SMOKE: [PASSED], VALIDATION: [PASSED]},
        (),
        VALIDATION,
    ),
    "a hole below": ({SMOKE: [PASSED], PRODUCTION: [PASSED]}, (), SMOKE),
    "a failure below": ({**ALL, SMOKE: [FAILED]}, (), None),
    "nothing": ({}, (), None),
}


@pytest.mark.parametrize(("results", "waivers", "level"), CASES.values(), ids=CASES)
def test_the_level_is_what_gates_and_waivers_support(results, waivers, level):
    assert supported(results, waivers) is level


def test_levels_are_ordered():
    assert SMOKE < VALIDATION < PRODUCTION
    assert max(ClaimLevel) is PRODUCTION


@pytest.mark.parametrize("level", ClaimLevel)
def test_what_is_supported_is_granted(level):
    assert grant(level, ALL) is level


def test_a_refusal_names_every_reason():
    results = {SMOKE: [PASSED], VALIDATION: [PASSED, UNKNOWN], PRODUCTION: [FAILED]}
    with pytest.raises(ClaimRefused) as caught:
        grant(PRODUCTION, results, [WAIVER])
    assert str(caught.value) == (
        f"the level {PRODUCTION.value!r} was asked for and is not supported; supported: smoke\n"
        "  g unknown: m not reported, bound <= 1\n"
        "  g fail: m 2, bound <= 1\n"
        "  waiver g 2 (production bound 1, --threshold)"
    )
    assert caught.value.exit_code == 5


def test_a_level_without_gates_is_refused_by_name():
    with pytest.raises(ClaimRefused, match="no gate of level validation was judged"):
        grant(VALIDATION, {SMOKE: [PASSED]})


def record(path, start, end, **digests):
    return claims.record_transition(
        path,
        from_level=start,
        to_level=end,
        command=["mhx", "campaign"],
        digests=digests,
        reason="executed",
    )


def test_the_ledger_says_who_changed_what_and_why(tmp_path):
    path = tmp_path / "claim_ledger.jsonl"
    assert claims.current_level(path) == "unspecified"
    record(path, "unspecified", claims.PRODUCTION_TEMPLATE, plan_manifest="a" * 64)
    record(path, claims.PRODUCTION_TEMPLATE, VALIDATION, artifact_manifest="b" * 64)
    assert claims.current_level(path) == "validation"
    line = read_chained(path)[-1]
    assert (line["from"], line["to"]) == ("production_template", "validation")
    assert line["user"] == getpass.getuser()
    assert line["digests"] == {"artifact_manifest": "b" * 64}
    assert {"time", "command", "reason", "previous", "digest", "schema"} <= line.keys()


def test_the_highest_level_is_not_recorded_without_its_report(tmp_path):
    path = tmp_path / "claim_ledger.jsonl"
    with pytest.raises(ClaimRefused, match="promotion_report"):
        record(path, VALIDATION, PRODUCTION, manifest="a" * 64)
    assert not path.exists()
    record(path, VALIDATION, PRODUCTION, promotion_report="a" * 64)
    assert claims.current_level(path) == PRODUCTION.value


def test_a_level_that_is_none_is_a_mistake(tmp_path):
    with pytest.raises(ValueError, match="no claim level 'gold'"):
        record(tmp_path / "ledger.jsonl", "gold", "validation")


def test_an_edited_ledger_has_no_level(tmp_path):
    path = tmp_path / "claim_ledger.jsonl"
    record(path, "unspecified", "smoke")
    record(path, "smoke", "validation")
    path.write_bytes(path.read_bytes().replace(b'"smoke"', b'"gold!"', 1))
    with pytest.raises(EvidenceError):
        claims.current_level(path)


def test_a_user_without_an_account_is_no_obstacle(tmp_path, monkeypatch):
    def unknown():
        raise KeyError("uid not found")

    monkeypatch.setattr(claims.getpass, "getuser", unknown)
    assert record(tmp_path / "ledger.jsonl", "unspecified", "smoke")["user"] == "unspecified"
