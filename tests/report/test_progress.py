"""Progress: plain lines away from a terminal, a bar on one, nothing when silenced."""

import io

import pytest

from mhx.report.progress import CaseProgress, Progress, duration, silenced


class Clock:
    """A clock that is moved by hand."""

    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_the_first_and_the_last_step_are_always_told():
    clock, out = Clock(), io.StringIO()
    with Progress(400, stream=out, clock=clock) as progress:
        progress.update(0, 0.0)
        for step in range(1, 401):
            clock.now += 0.01
            progress.update(step, step * 0.05, energy_residual=1.25e-13, stability_ratio=0.5)
    assert out.getvalue().splitlines() == [
        "step   0/400   0.0 %  t = 0",
        "step 400/400 100.0 %  t = 20  100 steps/s  energy residual 1.2e-13  stability ratio 0.5",
    ]


def test_between_them_there_is_a_line_every_few_seconds():
    clock, out = Clock(), io.StringIO()
    with Progress(100, stream=out, clock=clock, every_s=5) as progress:
        for step in range(1, 101):
            clock.now += 1
            progress.update(step, step * 0.1)
    lines = out.getvalue().splitlines()
    assert [line.split("/")[0] for line in lines[:3]] == ["step   1", "step   6", "step  11"]
    assert "1 min 34 s left" in lines[1]
    assert "left" not in lines[-1]


def test_the_last_step_is_told_once():
    out = io.StringIO()
    with Progress(10, stream=out, clock=Clock()) as progress:
        progress.update(10, 1.0)
        progress.update(10, 1.0)
    assert len(out.getvalue().splitlines()) == 1


def test_a_resumed_run_measures_its_own_rate():
    clock = Clock()
    with Progress(1000, start=900, stream=io.StringIO(), clock=clock) as progress:
        clock.now += 10
        assert progress.rate(950) == 5


def test_what_precedes_the_first_report_does_not_slow_the_rest():
    clock = Clock()
    with Progress(1000, stream=io.StringIO(), clock=clock) as progress:
        clock.now += 30
        progress.update(100, 1.0)
        clock.now += 1
        assert progress.rate(200) == 100


def test_silence_is_silence():
    out = io.StringIO()
    with Progress(10, stream=out, quiet=True) as progress:
        progress.update(10, 1.0)
    with silenced(), Progress(10, stream=out) as progress:
        progress.update(10, 1.0)
    assert out.getvalue() == ""


def test_without_a_stderr_nothing_is_told(monkeypatch):
    monkeypatch.setattr("sys.stderr", None)
    with Progress(10) as progress:
        progress.update(10, 1.0)


def test_it_goes_to_stderr(capsys):
    with Progress(10) as progress:
        progress.update(10, 1.0)
    said = capsys.readouterr()
    assert said.out == ""
    assert "step 10/10" in said.err


def test_a_terminal_gets_a_bar(monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setenv("TERM", "xterm")
    out = Terminal()
    with Progress(10, stream=out, clock=Clock()) as progress:
        progress.update(5, 0.5, stability_ratio=0.5)
        progress.update(10, 1.0, stability_ratio=0.25)
    shown = out.getvalue()
    assert "10/10" in shown
    assert "100.0 %" in shown
    assert "stability ratio 0.25" in shown


SPANS = {
    "seconds": (7.6, "8 s"),
    "minutes": (200, "3 min 20 s"),
    "hours": (7500, "2 h 05 min"),
    "days": (270000, "3 d 3 h"),
}


@pytest.mark.parametrize(("seconds", "words"), SPANS.values(), ids=SPANS)
def test_a_span_is_told_for_people(seconds, words):
    assert duration(seconds) == words


def test_cases_are_counted_as_cases():
    stream = io.StringIO()
    with CaseProgress(3, stream=stream, clock=iter(range(99)).__next__) as progress:
        progress.update(1, failed=1)
        progress.update(3, failed=1)
    first, last = stream.getvalue().splitlines()
    assert first.startswith("case 1/3  33.3 %")
    assert "failed 1" in first
    assert "cases/s" in last
    assert "t =" not in last
