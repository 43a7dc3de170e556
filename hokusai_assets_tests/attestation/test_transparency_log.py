"""The log of attestations: appended once, never rewritten, and two of one contribution show."""

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse.csgraph import connected_components

from hokusai_assets.attestation.checkpoint import Checkpoint
from hokusai_assets.attestation.envelope import open_envelope, sign_statement
from hokusai_assets.attestation.key_files import generate
from hokusai_assets.attestation.transparency_log import (
    CHECKPOINT_FILE,
    LOG_FILE,
    ORIGIN_FILE,
    LogError,
    TransparencyLog,
    doubly_attested,
    entry_of,
    is_continued,
    log_line,
)
from hokusai_assets.canonical import merkle
from hokusai_assets.canonical.canonical_json import canonical_bytes
from hokusai_assets_tests.attestation.logged_entries import LOG_KEY, line_of

PROJECT = Path(__file__).resolve().parents[2]


@pytest.fixture
def log(tmp_path: Path) -> TransparencyLog:
    return TransparencyLog(tmp_path / "home" / "log")


def filled(log: TransparencyLog, count: int) -> list[bytes]:
    for number in range(count):
        log.append(line_of(number), LOG_KEY)
    return log.lines()


def test_a_line_names_contribution_version_and_hashes(statement: dict[str, Any]) -> None:
    entry = json.loads(log_line(statement))
    assert set(entry) == {
        "benchmark", "contribution", "raw_sha256", "rows_root", "spec_hash", "base_root",
        "test_root", "attestation_hash", "result_hash", "payload_sha256",
    }  # fmt: skip
    assert entry["attestation_hash"] == statement["predicate"]["attestation_hash"]
    assert entry["raw_sha256"] == statement["subject"][0]["digest"]["sha256"]
    payload = open_envelope(sign_statement(statement, LOG_KEY))[0].payload
    assert entry["payload_sha256"] == hashlib.sha256(payload).hexdigest()
    assert entry["rows_root"] == statement["predicate"]["claim"]["result"]["rows"]["root"]


def test_each_checkpoint_is_signed_and_has_the_root_of_all_lines(log: TransparencyLog) -> None:
    for number in range(5):
        logged = log.append(line_of(number), LOG_KEY)
        assert (logged.index, logged.checkpoint.size, logged.others) == (number, number + 1, ())
        leaves = [merkle.leaf_hash(line_of(each)) for each in range(number + 1)]
        assert logged.checkpoint.root == merkle.root(leaves)
        assert logged.checkpoint.is_signed_by(LOG_KEY.public_key)
        assert log.checkpoint() == logged.checkpoint
    assert log.lines() == [line_of(number) for number in range(5)]


def test_the_same_attestation_again_adds_nothing(log: TransparencyLog) -> None:
    filled(log, 3)
    before = {path.name: path.read_bytes() for path in log.folder.iterdir()}
    assert log.append(line_of(1), LOG_KEY).index == 1
    assert {path.name: path.read_bytes() for path in log.folder.iterdir()} == before


def test_another_attestation_of_a_contribution_is_logged_and_told(log: TransparencyLog) -> None:
    filled(log, 3)
    logged = log.append(line_of(1, attested=1), LOG_KEY)
    assert logged.index == 3
    assert [entry["attestation_hash"] for entry in logged.others] == [
        entry_of(line_of(1))["attestation_hash"]
    ]
    (entries,) = doubly_attested(log.lines())
    assert [entry["index"] for entry in entries] == [1, 3]


@pytest.mark.parametrize("what", ["id", "spec_hash", "base_root", "test_root"])
def test_another_version_or_benchmark_is_no_second_attestation(
    log: TransparencyLog, what: str
) -> None:
    log.append(line_of(1), LOG_KEY)
    other = {"id": "another"} if what == "id" else {what: "9" * 64}
    assert log.append(line_of(1, attested=1, **other), LOG_KEY).others == ()
    assert doubly_attested(log.lines()) == []


def test_the_same_rows_in_another_file_are_a_second_attestation(log: TransparencyLog) -> None:
    filled(log, 3)
    first = entry_of(line_of(1))["attestation_hash"]
    logged = log.append(line_of(7, rows=1), LOG_KEY)
    assert [entry["attestation_hash"] for entry in logged.others] == [first]
    (entries,) = doubly_attested(log.lines())
    assert [entry["index"] for entry in entries] == [1, 3]
    assert log.append(line_of(8, rows=1, test_root="9" * 64), LOG_KEY).others == ()


def test_a_file_and_its_rows_lead_to_one_contribution() -> None:
    # The last has the file of one and the rows of another, which share neither.
    lines = [line_of(5), line_of(2), line_of(1), line_of(6, rows=5), line_of(1, attested=1, rows=2)]
    places = [[entry["index"] for entry in entries] for entries in doubly_attested(lines)]
    assert places == [[0, 3], [1, 2, 4]]


drawn = st.tuples(st.integers(0, 5), st.integers(0, 5))


@given(st.lists(drawn, max_size=9))
def test_doubles_are_the_connected_lines(pairs: list[tuple[int, int]]) -> None:
    lines = [line_of(file, attested=n, rows=rows) for n, (file, rows) in enumerate(pairs)]
    near = [[a == c or b == d for c, d in pairs] for a, b in pairs]
    count, labels = connected_components(np.array(near).reshape(len(pairs), len(pairs)))
    groups = [np.flatnonzero(labels == label).tolist() for label in range(count)]
    places = [[entry["index"] for entry in entries] for entries in doubly_attested(lines)]
    assert places == sorted(group for group in groups if len(group) > 1)


def test_a_half_written_line_is_cut_off(log: TransparencyLog) -> None:
    filled(log, 2)
    path = log.folder / LOG_FILE
    whole = path.read_bytes()
    path.write_bytes(whole + line_of(2)[:40])
    assert len(log.lines()) == 2
    log.append(line_of(3), LOG_KEY)
    assert path.read_bytes() == whole + line_of(3) + b"\n"


def test_a_crash_before_the_checkpoint_is_made_good_by_the_next_call(log: TransparencyLog) -> None:
    filled(log, 2)
    with (log.folder / LOG_FILE).open("ab") as stream:
        stream.write(line_of(2) + b"\n")
    logged = log.append(line_of(2), LOG_KEY)
    assert (logged.index, logged.checkpoint.size) == (2, 3)


@pytest.mark.parametrize("change", ["changed", "removed", "swapped", "emptied", "deleted"])
def test_lines_that_are_not_the_checkpoints_stop_the_log(log: TransparencyLog, change: str) -> None:
    lines = filled(log, 4)
    path = log.folder / LOG_FILE
    changed = {
        "changed": [line_of(0, attested=1), *lines[1:]],
        "removed": lines[:-1],
        "swapped": [lines[1], lines[0], *lines[2:]],
        "emptied": [],
    }
    if change == "deleted":
        path.unlink()
    else:
        path.write_bytes(b"".join(line + b"\n" for line in changed[change]))
    before = path.read_bytes() if path.exists() else b""
    with pytest.raises(LogError, match="bring the file back from a copy"):
        log.append(line_of(9), LOG_KEY)
    assert path.read_bytes() == before


def test_without_the_checkpoint_nothing_is_added_until_one_is_back(log: TransparencyLog) -> None:
    filled(log, 1)
    path = log.folder / CHECKPOINT_FILE
    older = path.read_bytes()
    lines = filled(log, 3)
    path.unlink()
    # Neither as it is nor rewritten does the log go on.
    for held in (lines, [line_of(0, attested=1), *lines[1:]]):
        whole = b"".join(line + b"\n" for line in held)
        (log.folder / LOG_FILE).write_bytes(whole)
        for line in (line_of(9), line_of(2)):
            with pytest.raises(LogError, match="missing, and the log has 3 lines; bring it back"):
                log.append(line, LOG_KEY)
        assert (log.folder / LOG_FILE).read_bytes() == whole
        assert not path.exists()
    path.write_bytes(older)
    with pytest.raises(LogError, match="first 1 lines are not those"):
        log.append(line_of(9), LOG_KEY)
    (log.folder / LOG_FILE).write_bytes(b"".join(line + b"\n" for line in lines))
    assert log.append(line_of(9), LOG_KEY).checkpoint.size == 4


@pytest.mark.parametrize("number", [0, 1])
def test_a_crash_before_the_first_checkpoint_is_made_good(
    log: TransparencyLog, number: int
) -> None:
    log.folder.mkdir(parents=True)
    (log.folder / LOG_FILE).write_bytes(line_of(0) + b"\n")
    logged = log.append(line_of(number), LOG_KEY)
    assert (logged.index, logged.checkpoint.size) == (number, number + 1)


def test_a_damaged_checkpoint_or_line_is_told(log: TransparencyLog) -> None:
    filled(log, 1)
    (log.folder / CHECKPOINT_FILE).write_text("nothing")
    with pytest.raises(LogError, match="bring it back"):
        log.append(line_of(1), LOG_KEY)
    for line in (b"{}", b"[1]", b"7", b"{", line_of(1) + b" ", b'{"attestation_hash":"a"}'):
        with pytest.raises(LogError, match="no known form"):
            entry_of(line)


HASHES = [
    "raw_sha256", "rows_root", "spec_hash", "base_root", "test_root",
    "attestation_hash", "result_hash", "payload_sha256",
]  # fmt: skip


@pytest.mark.parametrize(
    "change",
    [
        {"more": "1"},
        {"benchmark": None},
        {"benchmark": "two words"},
        {"contribution": ""},
        {"contribution": 7},
        *(
            {name: text}
            for name in HASHES
            for text in ("a", "A" * 64, "g" * 64, "1" * 64 + "\n", 1)
        ),
    ],
)
def test_a_line_with_more_or_other_members_is_none(log: TransparencyLog, change: Any) -> None:
    line = canonical_bytes(entry_of(line_of(0)) | change)
    with pytest.raises(LogError, match="no known form"):
        entry_of(line)
    with pytest.raises(LogError, match="no known form"):
        log.append(line, LOG_KEY)
    assert log.lines() == []


@pytest.mark.parametrize("name", ["benchmark", "contribution", *HASHES])
def test_a_line_without_a_member_or_with_it_twice_is_none(name: str) -> None:
    entry = dict(entry_of(line_of(0)))
    twice = b'{"%s":"%s",' % (name.encode(), entry[name].encode()) + line_of(0)[1:]
    del entry[name]
    for line in (canonical_bytes(entry), twice):
        with pytest.raises(LogError, match="no known form"):
            entry_of(line)


def test_the_name_stays_when_the_key_changes_and_may_be_given(tmp_path: Path) -> None:
    log = TransparencyLog(tmp_path / "one")
    first = log.append(line_of(0), LOG_KEY).checkpoint.origin
    assert log.append(line_of(1), None).checkpoint.origin == first
    given = tmp_path / "two"
    given.mkdir()
    (given / ORIGIN_FILE).write_text("example.com/attestations\n")
    assert TransparencyLog(given).append(line_of(0), LOG_KEY).checkpoint.origin == (
        "example.com/attestations"
    )
    (given / ORIGIN_FILE).write_text("two words")
    with pytest.raises(LogError, match="one word"):
        TransparencyLog(given).append(line_of(0), LOG_KEY)


def test_without_a_key_the_checkpoint_is_unsigned(log: TransparencyLog) -> None:
    checkpoint = log.append(line_of(0), None).checkpoint
    assert checkpoint.signatures == ()
    assert log.checkpoint() == checkpoint


def test_a_p256_key_signs_the_checkpoint_and_may_be_followed_by_an_ed25519_one(
    log: TransparencyLog,
) -> None:
    signer = generate("ecdsa-p256")
    checkpoint = log.append(line_of(0), signer).checkpoint
    assert checkpoint.is_signed_by(signer.public_key)
    assert checkpoint.origin == f"hokusai-log/{signer.public_key.keyid[:16]}"
    assert log.append(line_of(1), LOG_KEY).checkpoint.is_signed_by(LOG_KEY.public_key)


def test_a_log_continues_its_own_past_and_no_other(log: TransparencyLog) -> None:
    leaves = [merkle.leaf_hash(line) for line in filled(log, 6)]
    for size in range(7):
        own = Checkpoint("a", size, merkle.root(leaves[:size]))
        assert is_continued(own, leaves)
        assert not is_continued(Checkpoint("a", size, bytes(32)), leaves)
    assert not is_continued(Checkpoint("a", 7, merkle.root(leaves)), leaves)


def test_many_processes_append_and_none_is_lost(log: TransparencyLog) -> None:
    module = "hokusai_assets_tests.attestation.logged_entries"
    processes = [
        subprocess.Popen(
            [sys.executable, "-m", module, str(log.folder), str(first), str(first + 6)],
            env=os.environ | {"PYTHONPATH": str(PROJECT)},
        )
        # Two of the three bring some of the same lines.
        for first in (0, 3, 9)
    ]
    assert [process.wait(timeout=120) for process in processes] == [0, 0, 0]
    assert sorted(log.lines()) == sorted(line_of(number) for number in range(15))
    checkpoint = log.checkpoint()
    assert checkpoint is not None
    assert checkpoint.root == merkle.root([merkle.leaf_hash(line) for line in log.lines()])
