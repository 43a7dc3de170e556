"""Progress of long steps: a line each off a terminal, nothing where it is to be quiet."""

from hokusai_assets.cli.progress import RowCount, StepDisplay, counted_off, steps_shown


def test_off_a_terminal_each_name_is_a_plain_line_on_standard_error(capsys):
    assert list(counted_off(["a[b]", "c"], quiet=False)) == ["a[b]", "c"]
    shown = capsys.readouterr()
    assert (shown.out, shown.err) == ("", "[1/2] a[b]\n[2/2] c\n")


def test_what_a_run_waits_for_is_named_before_its_first_step(capsys):
    with StepDisplay(quiet=False) as display:
        display.now("loading the platform")
        display.on_step("tracking", "started")
        display.on_step("benchmark", "started")
        display.on_step("benchmark", "done")
    lines = ["loading the platform ...", "connecting to MLflow ...", "loading the benchmark ..."]
    assert capsys.readouterr().err.splitlines() == lines


def test_steps_of_unknown_length_are_lines_too_and_silent_when_quiet(capsys):
    for quiet in (False, True):
        with steps_shown(quiet=quiet) as shown:
            shown.step("loading [it]")
            shown.now("1 of 2")
    assert capsys.readouterr() == ("", "loading [it] ...\n")


def test_quiet_shows_nothing(capsys):
    assert list(counted_off(["a", "c"], quiet=True)) == ["a", "c"]
    assert capsys.readouterr() == ("", "")


def test_a_terminal_shows_no_line_that_stays(capsys, monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TTY_COMPATIBLE", "1")
    assert list(counted_off(["first"], quiet=False)) == ["first"]
    assert "[1/1]" not in capsys.readouterr().err


def test_rows_are_counted_and_then_timed_at_the_pace_of_their_own_pass():
    times = iter([0.0, 100.0])
    count = RowCount(clock=lambda: next(times, 103.0))
    assert count.words(50_000, None) == "50,000 rows"
    assert count.words(90_000, None) == "90,000 rows"
    # A second pass begins at 100 s; a quarter of it has taken 3 s.
    assert count.words(25_000, 100_000) == "25,000 of 100,000 rows, 0:00:09 left"
    assert count.words(100_000, 100_000) == "100,000 of 100,000 rows, 0:00:00 left"
