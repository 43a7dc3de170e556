"""Progress of long steps: a line each off a terminal, nothing where it is to be quiet."""

from hokusai_assets.cli.output import counted_off


def test_off_a_terminal_each_name_is_a_plain_line_on_standard_error(capsys):
    assert list(counted_off(["a[b]", "c"], quiet=False)) == ["a[b]", "c"]
    shown = capsys.readouterr()
    assert (shown.out, shown.err) == ("", "[1/2] a[b]\n[2/2] c\n")


def test_quiet_shows_nothing(capsys):
    assert list(counted_off(["a", "c"], quiet=True)) == ["a", "c"]
    assert capsys.readouterr() == ("", "")


def test_a_terminal_shows_no_line_that_stays(capsys, monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TTY_COMPATIBLE", "1")
    assert list(counted_off(["first"], quiet=False)) == ["first"]
    assert "[1/1]" not in capsys.readouterr().err
