"""The two journals of a run: each line carries the digest of the line before it."""

import json

import pytest

from mhx.evidence.claims import record_transition
from mhx.evidence.hashing import canonical, content_digest
from mhx.evidence.manifest import bindings

from ..campaigns.forger import rebuild_manifest
from .refusal import demoted, not_claimed

pytestmark = pytest.mark.accept


def lines_of(path):
    return path.read_text().splitlines(keepends=True)


def ledger(run):
    return run / "claim_ledger.jsonl"


def no_ledger(run):
    ledger(run).unlink()


def last_line_gone(run):
    ledger(run).write_text("".join(lines_of(ledger(run))[:-1]))


def middle_line_gone(run):
    first, _, *others = lines_of(ledger(run))
    ledger(run).write_text("".join([first, *others]))


def lines_in_another_order(run):
    first, second, *others = lines_of(ledger(run))
    ledger(run).write_text("".join([second, first, *others]))


def another_reason(run):
    path = ledger(run)
    path.write_text(path.read_text().replace("judged", "proved", 1))


def earlier_by_a_year(run):
    """A clock set back, in one line."""
    path = ledger(run)
    line = json.loads(lines_of(path)[-1])
    path.write_text(path.read_text().replace(line["time"], "2001" + line["time"][4:]))


def commands_cut_short(run):
    path = run / "commands.jsonl"
    path.write_text("".join(lines_of(path)[:-1]))


def no_commands(run):
    (run / "commands.jsonl").unlink()


def a_line_of_ones_own(run):
    """Chained properly, over what lies in the folder, with a looser manifest behind it."""
    rebuild_manifest(run, claim_level="validation")
    top = "production"
    command, reason = ["mhx"], "it deserves it"
    record_transition(
        ledger(run), from_level=top, to_level=top, command=command, digests=bindings(run),
        reason=reason,
    )  # fmt: skip


TOLD_OTHERWISE = {
    no_ledger: "missing: claim_ledger.jsonl",
    last_line_gone: "claim_ledger.jsonl",
    middle_line_gone: "altered: claim_ledger.jsonl .line 2 does not follow",
    lines_in_another_order: "altered: claim_ledger.jsonl .line 1 does not follow",
    another_reason: "altered: claim_ledger.jsonl .line . is not as it was written",
    earlier_by_a_year: "altered: claim_ledger.jsonl .line . is not as it was written",
    commands_cut_short: "(altered|missing): commands.jsonl",
    no_commands: "missing: commands.jsonl",
    a_line_of_ones_own: "contradicted: claim_ledger.jsonl .its level is production, not validation",
}


@pytest.mark.parametrize("forge", TOLD_OTHERWISE, ids=lambda forge: forge.__name__)
def test_a_journal_that_was_edited_takes_the_claim_away(mhx, claimed, forge):
    forge(claimed.run)
    demoted(mhx, claimed, TOLD_OTHERWISE[forge])


def rechained(lines):
    """Each line with the digest of the one before it, as if it had always been so."""
    previous, told = None, []
    for line in lines:
        body = {key: value for key, value in line.items() if key != "digest"}
        body["previous"] = previous
        previous = content_digest(body)
        told.append(canonical({**body, "digest": previous}))
    return "".join(f"{line}\n" for line in told)


def test_a_journal_written_anew_no_longer_says_which_command_made_what(mhx, undecided):
    """Chained without a fault; but the claim asks each file for its command."""
    path = undecided.run / "commands.jsonl"
    lines = [json.loads(line) for line in lines_of(path)]
    path.write_text(rechained(lines[:1]))
    not_claimed(mhx, undecided, "commands.jsonl")


def test_a_ledger_cannot_be_continued_to_the_top_without_a_report(mhx, undecided):
    """Manifest, list and line agree with each other; what they rest on is not there."""
    run, top = undecided.run, "production"
    (run / "promotion" / "promotion_readiness.json").unlink()
    rebuild_manifest(run, claim_level=top)
    digests = {**bindings(run), "promotion_report": "0" * 64}
    record_transition(
        ledger(run), from_level="validation", to_level=top, command=["mhx"], digests=digests,
        reason="granted",
    )  # fmt: skip
    demoted(mhx, undecided, "it states production, but the promotion report does not support it")
