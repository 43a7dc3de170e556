"""Records of keys: what becomes of a key is written whole, and is never taken back."""

import json
import multiprocessing
import stat
from datetime import date, timedelta
from pathlib import Path

import pytest

from hokusai_assets.attestation.key_files import generate
from hokusai_assets.attestation.key_records import (
    RECORDS_FILE,
    KeyRecord,
    KeyRecordError,
    read_records,
    record_of,
    remember,
    revoke,
    succeed,
)
from hokusai_assets.attestation.public_keys import KEY_TYPES

TODAY = date(2026, 11, 27)
LATER = TODAY + timedelta(days=100)


def record(number: int = 0) -> KeyRecord:
    key = generate(KEY_TYPES[number % 2]).public_key
    return record_of(key, "given", f"file {number}", TODAY)


def test_a_folder_without_records_has_none(tmp_path: Path) -> None:
    assert read_records(tmp_path / "absent") == ()


def test_records_come_back_in_the_order_they_were_made(tmp_path: Path) -> None:
    made = [record(number) for number in range(3)]
    for entry in [*made, made[0]]:
        remember(tmp_path, entry)
    assert read_records(tmp_path) == tuple(made)
    assert stat.S_IMODE((tmp_path / RECORDS_FILE).stat().st_mode) == 0o600


def test_a_known_key_keeps_its_first_record(tmp_path: Path) -> None:
    first = record()
    remember(tmp_path, first)
    remember(tmp_path, record_of(first.key, "kms", "elsewhere", LATER))
    assert read_records(tmp_path) == (first,)


def test_a_successor_retires_every_other_active_key(tmp_path: Path) -> None:
    old, other, new = record(), record(1), record()
    remember(tmp_path, old)
    remember(tmp_path, other)
    revoke(tmp_path, other.id, "lost", TODAY)
    for _ in range(2):
        succeed(tmp_path, new, LATER)
    assert [(entry.status, entry.retired, entry.revoked) for entry in read_records(tmp_path)] == [
        ("retired", LATER, None),
        ("revoked", None, TODAY),
        ("active", None, None),
    ]


def test_a_key_is_revoked_for_good_whatever_its_status(tmp_path: Path) -> None:
    old, new = record(), record(1)
    remember(tmp_path, old)
    succeed(tmp_path, new, TODAY)
    for entry in (old, new):
        told = revoke(tmp_path, entry.id[:8], "  laptop stolen ", LATER)
        assert (told.id, told.status, told.revoked, told.reason) == (
            entry.id,
            "revoked",
            LATER,
            "laptop stolen",
        )
        with pytest.raises(KeyRecordError, match=f"is revoked already, since {LATER}"):
            revoke(tmp_path, entry.id, "again", LATER)
    assert read_records(tmp_path)[0].retired == TODAY
    remember(tmp_path, old)
    succeed(tmp_path, record(), LATER)
    assert [entry.status for entry in read_records(tmp_path)] == ["revoked", "revoked", "active"]


@pytest.mark.parametrize("prefix", ["", "a", "g" * 8, "0" * 64])
def test_a_key_that_is_not_there_is_told_with_those_that_are(tmp_path: Path, prefix: str) -> None:
    entry = record()
    remember(tmp_path, entry)
    before = (tmp_path / RECORDS_FILE).read_bytes()
    with pytest.raises(KeyRecordError, match=f"8 or more digits of one of: {entry.id[:12]}"):
        revoke(tmp_path, prefix, "lost", TODAY)
    assert (tmp_path / RECORDS_FILE).read_bytes() == before


@pytest.mark.parametrize("reason", ["", "  ", "a\nb", "a\u2028b"])
def test_a_reason_is_one_line(tmp_path: Path, reason: str) -> None:
    entry = record()
    remember(tmp_path, entry)
    with pytest.raises(KeyRecordError, match="a reason, in one line"):
        revoke(tmp_path, entry.id, reason, TODAY)
    assert read_records(tmp_path) == (entry,)


def _remember_at_once(barrier: object, folder: str, number: int) -> None:
    barrier.wait()  # type: ignore[attr-defined]
    for _ in range(5):
        remember(Path(folder), record(number))


def test_nothing_is_lost_where_processes_write_at_once(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    barrier = context.Barrier(3)
    workers = [
        context.Process(target=_remember_at_once, args=(barrier, str(tmp_path), number))
        for number in range(3)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(timeout=60)
    sources = [entry.source for entry in read_records(tmp_path)]
    assert sorted(sources) == sorted(f"file {number}" for number in range(3) for _ in range(5))


@pytest.mark.parametrize(
    "changes",
    [
        {"id": "0" * 64},
        {"id": None},
        {"status": "trusted"},
        {"origin": "elsewhere"},
        {"created": None},
        {"created": "yesterday"},
        {"revoked": 5},
        {"reason": 5},
        {"public_key": "-----BEGIN"},
        {"more": 1},
    ],
)
def test_damaged_records_are_refused(tmp_path: Path, changes: dict[str, object]) -> None:
    remember(tmp_path, record())
    path = tmp_path / RECORDS_FILE
    document = json.loads(path.read_text())
    document["keys"][0] |= changes
    path.write_text(json.dumps(document))
    with pytest.raises(KeyRecordError, match=r"records\.json can't be read"):
        read_records(tmp_path)


@pytest.mark.parametrize("text", ["", "[]", "null", '{"form": 1}', '{"form": 1, "keys": [1]}'])
def test_what_is_no_file_of_records_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / RECORDS_FILE).write_text(text)
    with pytest.raises(KeyRecordError, match=r"records\.json can't be read"):
        read_records(tmp_path)


def test_records_of_a_later_form_are_refused(tmp_path: Path) -> None:
    (tmp_path / RECORDS_FILE).write_text('{"form": 2, "keys": []}')
    with pytest.raises(KeyRecordError, match="of form 2, not 1"):
        read_records(tmp_path)
