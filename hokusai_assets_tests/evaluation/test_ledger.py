"""The settlement ledger: a chain of lines, one turn at a time, each look spent once."""

import hashlib
import json
import os
import signal
import subprocess
import sys
from dataclasses import asdict, replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hokusai_assets.canonical.canonical_json import canonical_bytes
from hokusai_assets.evaluation.ledger import Ledger
from hokusai_assets.evaluation.ledger_entries import Budget
from hokusai_assets.evaluation.ledger_state import EMPTY_DIGEST, BudgetSpent, LedgerError, Standing

from .ledger_process import BUDGET, VERSION, entry_of

PROJECT = Path(__file__).resolve().parents[2]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "home" / "settlement.jsonl"


def settled(path: Path, rows_root: str, *, payable: int = 0, budget: Budget = BUDGET) -> Standing:
    with Ledger(path).turn(budget, version=VERSION, key=rows_root, rows_root=rows_root) as turn:
        entry = entry_of(rows_root, turn.standing.position, payable=payable)
        turn.settle(replace(entry, test_root=budget.test_root))
        return turn.standing


def with_entries(path: Path, count: int) -> list[bytes]:
    for number in range(count):
        settled(path, f"r{number}", payable=number % 2)
    return path.read_bytes().splitlines(keepends=True)


def process(path: Path, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [
            sys.executable,
            "-m",
            "hokusai_assets_tests.evaluation.ledger_process",
            str(path),
            *arguments,
        ],
        env=os.environ | {"PYTHONPATH": str(PROJECT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def has_open(pid: int, path: Path) -> bool:
    for one in list(Path(f"/proc/{pid}/fd").iterdir()):
        try:
            if os.readlink(one) == str(path):
                return True
        except FileNotFoundError:  # closed between the listing and the look at it
            continue
    return False


# The chain


def test_every_line_names_the_sha256_of_the_line_before_it(path: Path):
    lines = with_entries(path, 3)
    previous = EMPTY_DIGEST
    for line in lines:
        assert json.loads(line)["previous"] == previous
        previous = hashlib.sha256(line.rstrip(b"\n")).hexdigest()
    assert [json.loads(line)["kind"] for line in lines] == ["registered"] + ["settled"] * 3


def test_the_budget_is_registered_before_the_first_look_even_if_that_comes_to_nothing(path: Path):
    with Ledger(path).turn(BUDGET, version=VERSION, key="r0", rows_root="r0"):
        pass
    (line,) = path.read_bytes().splitlines()
    assert json.loads(line) == {"kind": "registered", "previous": EMPTY_DIGEST, **asdict(BUDGET)}


@settings(max_examples=40)
@given(data=st.data())
def test_a_changed_removed_or_moved_line_is_named(data: st.DataObject, tmp_path_factory):
    path = tmp_path_factory.mktemp("ledger") / "ledger.jsonl"
    lines = with_entries(path, 5)
    # Of the last line only attestations speak, so one follows whatever is tampered with.
    number = data.draw(st.integers(0, len(lines) - 2), label="line")
    how = data.draw(st.sampled_from(["change", "remove", "swap"]), label="how")
    if how == "change":
        document = json.loads(lines[number])
        name = "submissions" if document["kind"] == "registered" else "payable_bps"
        lines[number] = canonical_bytes(document | {name: document[name] + 1}) + b"\n"
        broken = number + 2
    elif how == "remove":
        del lines[number]
        broken = number + 1
    else:
        lines[number], lines[number + 1] = lines[number + 1], lines[number]
        broken = number + 1
    path.write_bytes(b"".join(lines))
    with pytest.raises(LedgerError, match=rf"line {broken}: .*bring the file back from a copy"):
        settled(path, "next")
    assert path.read_bytes() == b"".join(lines)


@pytest.mark.parametrize(
    "line", [b"", b"{", b"[]", b"null", b'{"kind": "settled"}', b'{"previous": "x"}', b"\xff"]
)
def test_a_line_of_no_known_form_is_named(path: Path, line: bytes):
    lines = with_entries(path, 2)
    path.write_bytes(lines[0] + line + b"\n" + b"".join(lines[1:]))
    with pytest.raises(LedgerError, match="line 2: "):
        Ledger(path).lines()


def test_a_half_written_last_line_is_cut_wherever_it_breaks_off_and_the_file_goes_on(path: Path):
    *whole, last = with_entries(path, 2)
    kept = b"".join(whole)
    for cut in range(len(last)):
        path.write_bytes(kept + last[:cut])
        # All of it but its end: an editor or a copy may lose that, and a look stays spent.
        assert len(Ledger(path).settled()) == (2 if cut == len(last) - 1 else 1)
        assert settled(path, "r1", payable=1).position == 2
        assert path.read_bytes() == kept + last


def test_a_half_written_first_line_is_no_budget(path: Path):
    first, *_ = with_entries(path, 1)
    path.write_bytes(first[:30])
    assert Ledger(path).summary() == {}
    settled(path, "r0", budget=replace(BUDGET, submissions=7))
    assert Ledger(path).summary() == {"submissions": 7, "spent": 1, "accepted": 0}


@pytest.mark.parametrize(
    "change",
    [
        {"payable_bps": None},
        {"payable_bps": -1},
        {"accepted": "false"},
        {"accepted": 1},
        {"position": "2"},
        {"key": ["x"]},
        {"note": "added"},
    ],
)
def test_a_last_line_with_values_of_other_types_is_told(path: Path, change: dict[str, object]):
    *whole, last = with_entries(path, 2)
    changed = canonical_bytes(json.loads(last) | change)
    path.write_bytes(b"".join(whole) + changed + b"\n")
    with pytest.raises(LedgerError, match="line 3: "):
        Ledger(path).lines()


@pytest.mark.parametrize("spelt", ["spaces", "twice", "nested"])
def test_a_line_that_is_spelt_otherwise_than_it_was_written_is_told(path: Path, spelt: str):
    *whole, last = with_entries(path, 2)
    line = {
        "spaces": json.dumps(json.loads(last)).encode(),
        "twice": last.rstrip().replace(b'"bps":', b'"bps":9999,"bps":'),
        "nested": b"[" * 100_000,
    }[spelt]
    path.write_bytes(b"".join(whole) + line + b"\n")
    with pytest.raises(LedgerError, match="line 3: "):
        Ledger(path).lines()


def test_a_folder_in_its_place_is_told(path: Path):
    path.mkdir(parents=True)
    with pytest.raises(LedgerError, match="can't be read"):
        Ledger(path).lines()


# Standing and settling


def settled_as(path: Path, *, key: str, rows_root: str, version: str, payable: int) -> Standing:
    entry = replace(
        entry_of(rows_root, 1, payable=payable, key=key), version=version, test_root="aa" * 32
    )
    with Ledger(path).turn(BUDGET, version=version, key=key, rows_root=rows_root) as turn:
        turn.settle(replace(entry, position=turn.standing.position))
        return turn.standing


def test_what_was_paid_for_a_contribution_on_other_versions_is_told(path: Path):
    first = settled_as(path, key="a", rows_root="r", version="v1", payable=30)
    assert first.paid_elsewhere_bps == 0
    settled_as(path, key="b", rows_root="other", version="v1", payable=11)
    # Of the same file, and of the same rows under another name.
    by_key = settled_as(path, key="a", rows_root="fewer rows", version="v2", payable=5)
    by_rows = settled_as(path, key="c", rows_root="r", version="v3", payable=0)
    assert (by_key.paid_elsewhere_bps, by_rows.paid_elsewhere_bps) == (30, 30)
    assert by_key.paid_bps == 0 and by_key.accepted == ()
    # Running it again, it stands where it stood.
    assert (
        settled_as(path, key="a", rows_root="r", version="v1", payable=30).paid_elsewhere_bps == 0
    )


def test_another_choice_of_the_same_test_file_spends_the_same_budget(path: Path):
    of_file = replace(BUDGET, test_file="11" * 32, submissions=3)
    settled(path, "r0", budget=of_file)
    sampled = replace(of_file, test_root="dd" * 32, deciding_root="ee" * 32)
    assert settled(path, "r1", budget=sampled).position == 2
    # The file saved in another format, with the same rows: it goes on by the root.
    saved = replace(of_file, test_file="22" * 32)
    assert settled(path, "r2", budget=saved).position == 3
    fewer_columns = replace(saved, test_root="ff" * 32, deciding_root="ff" * 32)
    with pytest.raises(BudgetSpent):
        settled(path, "r3", budget=fewer_columns)
    assert Ledger(path).summary()["spent"] == 3
    other_file = replace(BUDGET, test_root="99" * 32, test_file="33" * 32, submissions=3)
    assert settled(path, "r3", budget=other_file).position == 1


def test_the_number_of_looks_holds_for_another_choice_of_the_same_test_file(path: Path):
    of_file = replace(BUDGET, test_file="11" * 32)
    settled(path, "r0", budget=of_file)
    more = replace(of_file, test_root="dd" * 32, submissions=BUDGET.submissions + 1)
    with pytest.raises(LedgerError, match="was registered to decide about 40 submissions"):
        settled(path, "r1", budget=more)


def test_standing_counts_looks_and_sums_what_was_paid_on_the_version(path: Path):
    with_entries(path, 4)
    standing = settled(path, "new")
    assert (standing.position, standing.submissions, standing.recorded) == (5, 40, None)
    assert [entry.rows_root for entry in standing.accepted] == ["r1", "r3"]
    assert standing.paid_bps == 2


def test_a_look_on_another_version_with_the_same_test_set_counts_but_is_not_accepted_there(
    path: Path,
):
    with_entries(path, 4)
    with Ledger(path).turn(BUDGET, version="dd" * 32, key="r1", rows_root="r1") as turn:
        assert turn.standing.position == 5
        assert (turn.standing.accepted, turn.standing.recorded) == ((), None)


def test_a_rerun_gets_the_same_standing_and_spends_nothing(path: Path):
    standings = [settled(path, f"r{number}", payable=number % 2) for number in range(4)]
    before = path.read_bytes()
    for number, standing in enumerate(standings):
        again = settled(path, f"r{number}", payable=number % 2)
        assert replace(again, recorded=None) == replace(standing, recorded=None)
        assert again.recorded is not None and again.recorded.rows_root == f"r{number}"
    assert path.read_bytes() == before


def test_the_same_rows_under_another_key_are_the_same_settlement(path: Path):
    with_entries(path, 3)
    before = path.read_bytes()
    with Ledger(path).turn(BUDGET, version=VERSION, key="r1", rows_root="r1") as turn:
        turn.settle(entry_of("r1", turn.standing.position, payable=1, key="another-key"))
    assert path.read_bytes() == before


@pytest.mark.parametrize("payable", [0, 2])
def test_a_rerun_with_another_outcome_is_refused_and_the_record_stands(path: Path, payable: int):
    with_entries(path, 3)
    before = path.read_bytes()
    with pytest.raises(LedgerError, match=r"settled before, with another outcome.*accepted with 1"):
        settled(path, "r1", payable=payable)
    assert path.read_bytes() == before


def test_settling_twice_in_one_turn_writes_one_line(path: Path):
    with Ledger(path).turn(BUDGET, version=VERSION, key="r0", rows_root="r0") as turn:
        turn.settle(entry_of("r0", 1, payable=3))
        turn.settle(entry_of("r0", 1, payable=3))
        with pytest.raises(LedgerError, match="another outcome"):
            turn.settle(entry_of("r0", 1, payable=4))
    assert [entry.payable_bps for entry in Ledger(path).settled()] == [3]


def test_a_turn_that_fails_spends_no_look(path: Path):
    with_entries(path, 1)
    with (
        pytest.raises(ZeroDivisionError),
        Ledger(path).turn(BUDGET, version=VERSION, key="failing", rows_root="failing"),
    ):
        _ = 1 / 0
    assert settled(path, "next").position == 2


# The budget


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"submissions": 41}, "40 submissions.*now says 41"),
        ({"submissions": 39}, "40 submissions.*now says 39"),
        ({"confidence_ppm": 900_000}, "a confidence of 95%.*at 90%"),
        ({"deciding_root": "ee" * 32}, "another part of it"),
    ],
)
def test_a_changed_budget_is_refused_before_anything_is_written(
    path: Path, change: dict[str, object], words: str
):
    with_entries(path, 1)
    before = path.read_bytes()
    changed = replace(BUDGET, **change)  # type: ignore[arg-type]
    with pytest.raises(LedgerError, match=words):
        settled(path, "next", budget=changed)
    with pytest.raises(LedgerError, match=words):
        Ledger(path).refusal(changed, version=VERSION, key="key-of-next")
    assert path.read_bytes() == before


def test_another_test_set_has_a_budget_of_its_own(path: Path):
    with_entries(path, 2)
    other = replace(BUDGET, test_root="ff" * 32, submissions=3)
    assert Ledger(path).refusal(other, version=VERSION, key="k") is None
    with Ledger(path).turn(other, version="dd" * 32, key="r0", rows_root="r0") as turn:
        assert (turn.standing.position, turn.standing.submissions) == (1, 3)


def test_a_spent_budget_takes_no_one_new_but_repeats_what_it_settled(path: Path):
    small = replace(BUDGET, submissions=2)
    for name in ("r0", "r1"):
        assert Ledger(path).refusal(small, version=VERSION, key=f"key-of-{name}") is None
        settled(path, name, budget=small)
    problem = Ledger(path).refusal(small, version=VERSION, key="key-of-r2")
    assert problem is not None and problem.rule == "budget-spent"
    assert "All 2 looks" in problem.message
    with pytest.raises(BudgetSpent, match="all 2 looks"):
        settled(path, "r2", budget=small)
    assert Ledger(path).refusal(small, version=VERSION, key="key-of-r1") is None
    assert settled(path, "r1", budget=small).position == 2
    assert Ledger(path).summary() == {"submissions": 2, "spent": 2, "accepted": 0}


# Processes


def test_processes_take_turns_and_no_position_is_given_twice(path: Path, tmp_path: Path):
    path.parent.mkdir()
    log = tmp_path / "log"
    running = [process(path, "settle", name, "10", str(log)) for name in "abcd"]
    for one in running:
        one.communicate(timeout=120)
    assert [one.returncode for one in running] == [0] * 4
    found = Ledger(path).settled()
    assert [entry.position for entry in found] == list(range(1, 41))
    assert len({entry.rows_root for entry in found}) == 40
    noted = log.read_text().splitlines()
    assert len(noted) == 80
    for entered, left in zip(noted[::2], noted[1::2], strict=True):
        assert (entered.split()[0], left) == ("in", entered.replace("in ", "out "))


def test_a_process_that_is_killed_while_it_holds_the_ledger_leaves_it_usable(path: Path):
    with_entries(path, 1)
    with process(path, "hold") as holding:
        assert holding.stdout is not None and holding.stdout.readline() == "held\n"
        holding.send_signal(signal.SIGKILL)
        assert settled(path, "next").position == 2
    assert holding.returncode == -signal.SIGKILL
    assert settled(path, "held").position == 3


def test_who_waits_while_the_file_is_brought_back_from_a_copy_writes_to_the_copy(
    path: Path, tmp_path: Path
):
    with_entries(path, 2)
    copy = tmp_path / "copy"
    copy.write_bytes(path.read_bytes())
    with process(path, "hold") as holding:
        assert holding.stdout is not None and holding.stdout.readline() == "held\n"
        waiting = process(path, "settle", "later", "1", str(tmp_path / "log"))
        # Now it waits for the lock on the file that is about to be replaced.
        while not has_open(waiting.pid, path):
            os.sched_yield()
        os.replace(copy, path)
        holding.kill()
    waiting.communicate(timeout=60)
    assert waiting.returncode == 0
    assert [entry.rows_root for entry in Ledger(path).settled()] == ["r0", "r1", "later-0"]
