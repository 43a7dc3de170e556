"""Identity: one key per content, safe for any file name, and a store that holds whole copies."""

import hashlib
import multiprocessing
import os
import socket
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from hokusai_assets.contributions import identity
from hokusai_assets.contributions.identity import (
    UnknownContribution,
    is_partition_key,
    load,
    partition_key,
    readable_name,
    register,
    registered_keys,
)
from hokusai_assets.contributions.manifest import MAX_BYTES, parse_manifest
from hokusai_assets.tables.limits import ReadLimits
from hokusai_assets.tables.problems import UnreadableFile

DIGEST = "0123456789abcdef" * 4
LIMITS = ReadLimits(max_file_bytes=100, max_parts=3)


def write(path: Path, data: bytes = b"a,b\n1,2\n") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def names_in(store: Path) -> list[str]:
    return sorted(path.name for path in store.iterdir() if path.name != ".lock")


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_same_bytes_under_two_names_are_one_contribution(tmp_path: Path) -> None:
    first = register(write(tmp_path / "first.csv"), tmp_path / "store")
    second = register(write(tmp_path / "second.csv"), tmp_path / "store")
    assert second == first
    assert names_in(tmp_path / "store") == [first.key]


def test_a_changed_file_is_another_contribution(tmp_path: Path) -> None:
    source = write(tmp_path / "rows.csv")
    first = register(source, tmp_path / "store")
    second = register(write(source, b"a,b\n1,3\n"), tmp_path / "store")
    assert first.key != second.key
    assert list(registered_keys(tmp_path / "store")) == sorted([first.key, second.key])


def test_the_stored_file_holds_the_bytes_as_they_came(tmp_path: Path) -> None:
    data = b"\xef\xbb\xbfa\r\n\x00\xff"
    stored = register(write(tmp_path / "Rows.CSV", data), tmp_path / "store")
    assert stored.path.read_bytes() == data
    assert stored.path.suffix == ".csv"
    assert load(tmp_path / "store", stored.key) == stored


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=200), st.sampled_from([".csv", ".JSON", ".parquet", "", ".csv.gz"]))
@example("../../etc/passwd", ".csv")
@example("", ".csv")
@example("...", "")
@example("x" * 5000, ".csv")
@example("数据集", ".jsonl")
@example("a\n", "")
@example("İ", ".csv")
@example("bytes that are no UTF-8 \udcff", ".csv")
def test_a_key_has_its_form_whatever_the_file_name(stem: str, ending: str) -> None:
    key = partition_key(stem + ending, DIGEST)
    assert is_partition_key(key)
    assert key.endswith("-0123456789ab")
    assert set(key) <= set("abcdefghijklmnopqrstuvwxyz0123456789-")
    assert len(key) <= 100


def test_a_key_reads_like_the_file_name() -> None:
    assert readable_name("Test Queries - 2024-11-23.csv") == "test-queries-2024-11-23"
    assert readable_name("batch-01.csv.gz") == "batch-01"


@settings(max_examples=60, deadline=None)
@given(
    st.from_regex(r"[a-z]{3,12}[._][a-z]{3,12}", fullmatch=True),
    st.sampled_from(["example.com", "mail.example.org"]),
    st.sampled_from(["{}", "rows of {}", "{} (copy)", "2024_{}_final", "{}.csv"]),
)
def test_an_email_address_in_a_file_name_does_not_reach_the_key(
    local: str, domain: str, pattern: str
) -> None:
    key = partition_key(pattern.format(f"{local}@{domain}") + ".csv", DIGEST)
    assert key == "contribution-0123456789ab"


@pytest.mark.parametrize(
    "stem",
    ["202-555-0143", "(202) 555-0143 list", "+1 202.555.0143", "202_555_0143", "078-05-1120"],
)
def test_a_phone_or_social_security_number_in_a_file_name_does_not_reach_the_key(
    stem: str,
) -> None:
    assert partition_key(f"{stem}.csv", DIGEST) == "contribution-0123456789ab"


@pytest.mark.parametrize("text", ["abc\n", "a...b", "", "-a", "A", "a/b", "a" * 101, "../x", "a,b"])
def test_what_is_no_key_is_told_apart(text: str) -> None:
    assert not is_partition_key(text)


def test_links_and_folders_are_refused(tmp_path: Path) -> None:
    target = write(tmp_path / "target.csv")
    link = tmp_path / "link.csv"
    link.symlink_to(target)
    (tmp_path / "folder.csv").mkdir()
    os.mkfifo(tmp_path / "pipe.csv")
    for path in (link, *(tmp_path / f"{name}.csv" for name in ("folder", "pipe", "absent"))):
        with pytest.raises(UnreadableFile, match="no regular file"):
            register(path, tmp_path / "store")


def test_a_sidecar_that_is_a_link_is_not_followed(tmp_path: Path) -> None:
    secret = write(tmp_path / "secret.yaml", b"note: not yours")
    source = write(tmp_path / "rows.csv")
    (tmp_path / "rows.csv.contribution.yaml").symlink_to(secret)
    assert register(source, tmp_path / "store").sidecar is None


def test_an_unknown_ending_is_refused_with_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFile, match=r"\.csv.*\.parquet") as caught:
        register(write(tmp_path / "rows.xlsx"), tmp_path / "store")
    assert caught.value.problem.rule == "unknown-format"
    assert not (tmp_path / "store").exists()


@pytest.mark.parametrize("ending", [".csv.gz", ".JSON.zst", ".tsv", ".pq"])
def test_the_whole_ending_is_kept(tmp_path: Path, ending: str) -> None:
    stored = register(write(tmp_path / f"rows{ending}"), tmp_path / "store")
    assert stored.path.name == f"data{ending.lower()}"
    assert stored.key.startswith("rows-")
    assert load(tmp_path / "store", stored.key) == stored


def test_a_file_larger_than_a_contribution_may_be_is_refused(tmp_path: Path) -> None:
    register(write(tmp_path / "a.csv", b"x" * 100), tmp_path / "store", limits=LIMITS)
    with pytest.raises(UnreadableFile, match="more bytes") as caught:
        register(write(tmp_path / "b.csv", b"x" * 101), tmp_path / "store", limits=LIMITS)
    assert caught.value.problem.rule == "too-large"
    assert len(names_in(tmp_path / "store")) == 1


def test_no_more_of_a_sidecar_is_stored_than_shows_that_it_is_too_long(tmp_path: Path) -> None:
    source = write(tmp_path / "rows.csv")
    write(tmp_path / "rows.csv.contribution.yaml", b"#" * 1_000_000)
    stored = register(source, tmp_path / "store")
    assert stored.sidecar is not None and len(stored.sidecar) == MAX_BYTES + 1
    assert parse_manifest(stored.sidecar)[1]


# --- folders of parts -----------------------------------------------------------------------


def folder(path: Path, **parts: bytes) -> Path:
    for name, data in parts.items():
        write(path / f"{name}.parquet", data)
    return path


def test_a_folder_of_parts_is_one_contribution_with_numbered_parts(tmp_path: Path) -> None:
    source = folder(tmp_path / "my rows.parquet", b=b"two", a=b"one")
    write(source / "_SUCCESS", b"")
    write(tmp_path / "my rows.parquet.contribution.yaml", b"note: hello")
    stored = register(source, tmp_path / "store")
    assert stored.key.startswith("my-rows-") and stored.sidecar == b"note: hello"
    assert {path.name: path.read_bytes() for path in stored.path.iterdir()} == {
        "00001.parquet": b"one",
        "00002.parquet": b"two",
    }
    assert stored.path.name == "data.parquet"
    assert load(tmp_path / "store", stored.key) == stored
    assert list(registered_keys(tmp_path / "store")) == [stored.key]


def test_the_digest_of_a_folder_is_that_of_its_sorted_parts(tmp_path: Path) -> None:
    parts = [b"one", b"two", b"three", b"two"]
    source = folder(tmp_path / "x.parquet", **{f"p{n}": part for n, part in enumerate(parts)})
    lines = sorted(f"{hashlib.sha256(part).hexdigest()} {len(part)}\n" for part in parts)
    expected = hashlib.sha256("".join(lines).encode()).hexdigest()
    assert register(source, tmp_path / "store").digest == expected


def test_names_and_order_of_parts_do_not_matter_but_each_part_does(tmp_path: Path) -> None:
    store = tmp_path / "store"
    first = register(folder(tmp_path / "1" / "x.parquet", a=b"one", b=b"two"), store)
    again = register(folder(tmp_path / "2" / "y.parquet", q=b"two", r=b"one"), store)
    assert again == first
    for number, parts in enumerate(
        ({"a": b"one"}, {"a": b"one", "b": b"two", "c": b"two"}, {"a": b"onetwo"})
    ):
        other = folder(tmp_path / f"o{number}" / "x.parquet", **parts)
        assert register(other, store).key != first.key


def test_a_file_made_of_a_folders_lines_does_not_take_its_place(tmp_path: Path) -> None:
    lines = f"{hashlib.sha256(b'one').hexdigest()} 3\n".encode()
    file = register(write(tmp_path / "claim.csv", lines), tmp_path / "store")
    parts = register(folder(tmp_path / "x.parquet", a=b"one"), tmp_path / "store")
    assert parts.digest == file.digest and parts.key != file.key
    assert parts.path.is_dir()


def test_stored_parts_are_open_to_their_owner_alone(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        stored = register(folder(tmp_path / "x.parquet", a=b"one"), tmp_path / "store")
    finally:
        os.umask(before)
    assert mode(stored.path) == 0o700
    assert {mode(path) for path in stored.path.iterdir()} == {0o600}


@pytest.mark.parametrize("kind", ["link", "folder", "other", "pipe", "none"])
def test_a_folder_with_anything_but_parts_is_refused_and_nothing_stored(
    tmp_path: Path, kind: str
) -> None:
    secret = write(tmp_path / "secret.parquet")
    source = folder(tmp_path / "x.parquet", a=b"one")
    if kind == "link":
        (source / "b.parquet").symlink_to(secret)
    elif kind == "folder":
        (source / "b.parquet").mkdir()
    elif kind == "other":
        write(source / "b.csv")
    elif kind == "pipe":
        os.mkfifo(source / "b.parquet")
    else:
        (source / "a.parquet").unlink()
    with pytest.raises(UnreadableFile) as caught:
        register(source, tmp_path / "store")
    assert caught.value.problem.rule == ("empty-file" if kind == "none" else "bad-part-folder")
    assert names_in(tmp_path / "store") == []


def test_a_link_to_a_folder_is_not_followed(tmp_path: Path) -> None:
    folder(tmp_path / "real.parquet", a=b"one")
    (tmp_path / "x.parquet").symlink_to(tmp_path / "real.parquet")
    with pytest.raises(UnreadableFile, match="no regular file"):
        register(tmp_path / "x.parquet", tmp_path / "store")


def test_a_folder_has_no_more_parts_and_bytes_than_allowed(tmp_path: Path) -> None:
    store = tmp_path / "store"
    register(folder(tmp_path / "1.parquet", a=b"x" * 50, b=b"y" * 50), store, limits=LIMITS)
    for number, parts in enumerate(
        ({"a": b"x" * 50, "b": b"y" * 51}, {name: b"x" for name in "abcd"})
    ):
        source = folder(tmp_path / f"o{number}.parquet", **parts)
        with pytest.raises(UnreadableFile) as caught:
            register(source, store, limits=LIMITS)
        assert caught.value.problem.rule == "too-large"
    assert len(names_in(store)) == 1


def test_what_is_stored_is_open_to_its_owner_alone(tmp_path: Path) -> None:
    source = write(tmp_path / "rows.csv")
    write(tmp_path / "rows.csv.contribution.yaml", b"note: hello")
    before = os.umask(0)
    try:
        key = register(source, tmp_path / "store").key
    finally:
        os.umask(before)
    folder = tmp_path / "store" / key
    assert mode(tmp_path / "store") == 0o700
    assert mode(folder) == 0o700
    assert {path.name: mode(path) for path in folder.iterdir()} == {
        "data.csv": 0o600,
        "sidecar.yaml": 0o600,
        "origin.json": 0o600,
    }


def test_the_first_sidecar_stays(tmp_path: Path) -> None:
    source = write(tmp_path / "rows.csv")
    sidecar = write(tmp_path / "rows.csv.contribution.yaml", b"note: first")
    register(source, tmp_path / "store")
    write(sidecar, b"note: second")
    assert register(source, tmp_path / "store").sidecar == b"note: first"


def _dead_process() -> int:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def test_half_made_copies_of_a_dead_process_are_removed(tmp_path: Path) -> None:
    store = tmp_path / "store"
    here = socket.gethostname()
    dead = write(store / f".incoming-{_dead_process()}-aaaa-{here}" / "data.csv")
    living = write(store / f".incoming-{os.getppid()}-aaaa-{here}" / "data.csv")
    elsewhere = write(store / f".incoming-{_dead_process()}-aaaa-other.host" / "data.csv")
    register(write(tmp_path / "rows.csv"), store)
    assert not dead.parent.exists()
    assert living.exists()
    assert elsewhere.exists(), "a process id of another machine says nothing here"


def test_half_made_copies_older_than_a_day_are_removed_whoever_made_them(tmp_path: Path) -> None:
    left = write(tmp_path / "store" / ".incoming-1-aaaa-other.host" / "data.csv").parent
    two_days_ago = time.time() - 2 * 24 * 3600
    os.utime(left, (two_days_ago, two_days_ago))
    register(write(tmp_path / "rows.csv"), tmp_path / "store")
    assert not left.exists()


def test_a_copy_in_the_making_is_no_key(tmp_path: Path) -> None:
    write(tmp_path / "store" / f".incoming-{os.getpid()}-aaaa-x" / "origin.json", b"{}")
    assert list(registered_keys(tmp_path / "store")) == []


def test_a_failed_copy_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(target: Path, data: bytes) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(identity, "_write", full)
    with pytest.raises(OSError, match="No space"):
        register(write(tmp_path / "rows.csv"), tmp_path / "store")
    assert names_in(tmp_path / "store") == []


def test_a_key_taken_by_other_bytes_is_refused(tmp_path: Path) -> None:
    source = write(tmp_path / "rows.csv")
    stored = register(source, tmp_path / "store")
    origin = stored.path.with_name("origin.json")
    origin.write_text(origin.read_text().replace(stored.digest, stored.digest[:12] + "0" * 52))
    with pytest.raises(UnreadableFile, match="another name") as caught:
        register(source, tmp_path / "store")
    assert caught.value.problem.rule == "key-taken"


def _register_at_once(barrier: object, source: str, store: str, keys: object) -> None:
    barrier.wait()  # type: ignore[attr-defined]
    keys.put(register(Path(source), Path(store)).key)  # type: ignore[attr-defined]


@pytest.mark.parametrize("names", [("rows.csv", "rows.csv"), ("one.csv", "two.csv")])
def test_two_processes_with_the_same_bytes_at_once_store_one_whole_contribution(
    tmp_path: Path, names: tuple[str, str]
) -> None:
    context = multiprocessing.get_context("spawn")
    barrier, keys = context.Barrier(2), context.Queue()
    data = b"a,b\n" + b"1,2\n" * 200_000
    sources = [write(tmp_path / str(i) / name, data) for i, name in enumerate(names)]
    workers = [
        context.Process(
            target=_register_at_once, args=(barrier, str(source), str(tmp_path / "store"), keys)
        )
        for source in sources
    ]
    for worker in workers:
        worker.start()
    found = {keys.get(timeout=60) for _ in workers}
    for worker in workers:
        worker.join(timeout=60)
    assert len(found) == 1
    assert names_in(tmp_path / "store") == sorted(found)
    assert load(tmp_path / "store", found.pop()).path.read_bytes() == data


def test_an_unknown_key_is_told_with_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(UnknownContribution) as caught:
        load(tmp_path, "rows-0123456789ab")
    assert "'rows-0123456789ab'" in str(caught.value)
    assert "hokusai evaluate FILE" in str(caught.value)


def test_a_key_with_a_path_in_it_reads_nothing(tmp_path: Path) -> None:
    write(tmp_path / "outside" / "origin.json", b"{}")
    (tmp_path / "store").mkdir()
    with pytest.raises(UnknownContribution):
        load(tmp_path / "store", "../outside")


def test_a_wrong_sidecar_is_mended_by_sending_the_same_data_with_a_right_one(tmp_path: Path):
    data, sidecar = tmp_path / "mine.csv", tmp_path / "mine.csv.contribution.yaml"
    data.write_text("text,label\nhi,good\n")
    sidecar.write_text("contributors: [{id: alice, weight_bps: 1}]\n")
    store = tmp_path / "store"
    first = register(data, store)
    right = b"contributors: [{id: alice, weight_bps: 10000}]\n"
    sidecar.write_bytes(right)
    second = register(data, store)
    assert second.key == first.key
    assert second.sidecar == right
    sidecar.write_text("contributors: [{id: mallory, weight_bps: 10000}]\n")
    assert register(data, store).sidecar == right


def test_a_wrong_sidecar_is_mended_by_sending_the_same_data_without_one(tmp_path: Path):
    data, sidecar = tmp_path / "mine.csv", tmp_path / "mine.csv.contribution.yaml"
    data.write_text("text,label\nhi,good\n")
    sidecar.write_text("weights: wrong\n")
    register(data, tmp_path / "store")
    sidecar.unlink()
    assert register(data, tmp_path / "store").sidecar is None


def test_a_sidecar_that_comes_after_the_rows_is_said_not_to_be_used(tmp_path: Path):
    data, sidecar = tmp_path / "mine.csv", tmp_path / "mine.csv.contribution.yaml"
    data.write_text("text,label\nhi,good\n")
    assert not register(data, tmp_path / "store").sidecar_not_used
    sidecar.write_text("contributors: [{id: alice, weight_bps: 10000}]\n")
    later = register(data, tmp_path / "store")
    assert later.sidecar is None
    assert later.sidecar_not_used


def test_the_run_key_changes_with_the_sidecar_that_counts(tmp_path: Path):
    data, sidecar = tmp_path / "mine.csv", tmp_path / "mine.csv.contribution.yaml"
    data.write_text("text,label\nhi,good\n")
    without = register(data, tmp_path / "one")
    sidecar.write_text("contributors: [{id: alice, weight_bps: 10000}]\n")
    with_one = register(data, tmp_path / "two")
    assert without.run_key == f"{without.key}:{without.digest}"
    assert with_one.run_key.startswith(f"{without.run_key}:")
