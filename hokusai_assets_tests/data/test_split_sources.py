"""The bundled data is what its script makes, keeps training and test rows apart, and is usable."""

import csv
import ipaddress
import json
import re
import subprocess
import sys
from collections.abc import Hashable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

DATA = Path(__file__).resolve().parents[2] / "data"
FIXTURES = DATA / "test_fixtures"
TARGETS = {"sms-spam": "label", "adult-income": "income", "letter": "c16"}
LEAST_TEST_ROWS = {"sms-spam": 1000, "adult-income": 5000, "letter": 4000}
HONEST_SMS_FIXTURES = ("test_queries.csv", "label_flipped.csv", "pii_laden.csv")
# Written by hand, so no script makes it.
HAND_MADE = {"test_fixtures/pii_laden.csv"}
PUBLISHED_TEST_CARDS = {
    "378282246310005",
    "4012888888881881",
    "4111111111111111",
    "4242424242424242",
    "5105105105105100",
    "5555555555554444",
    "6011111111111117",
}
WITHDRAWN_SSNS = {"078051120", "219099999"}
DOCUMENTATION_NETWORKS = [
    ipaddress.ip_network(network)
    for network in ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24")
]


def committed_files() -> set[str]:
    """Return the paths of all data files below the folders that the script fills."""
    return {
        path.relative_to(DATA).as_posix()
        for folder in ("benchmarks", "contributions", "test_fixtures")
        for path in (DATA / folder).rglob("*")
        if path.suffix in {".csv", ".json", ".jsonl", ".parquet"}
    }


def read_csv(path: Path) -> list[dict[str, str]]:
    """Return a CSV file's rows as texts."""
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def read_rows(path: Path) -> list[dict[str, Any]]:
    """Return a data file's rows, whatever its format."""
    if path.suffix == ".parquet":
        return pq.read_table(path).to_pylist()
    if path.suffix == ".json":
        return json.loads(path.read_text(encoding="utf-8"))
    if path.suffix == ".jsonl":
        with path.open(encoding="utf-8", newline="\n") as stream:
            return [json.loads(line) for line in stream]
    return read_csv(path)


def groups(benchmark: str, rows: list[dict[str, Any]]) -> set[Hashable]:
    """Return the groups the rows belong to; written apart from the script's own rule."""
    if benchmark == "sms-spam":
        return {re.sub(r"\d", "0", re.sub(r"\s+", " ", r["text"].casefold()).strip()) for r in rows}
    target = TARGETS[benchmark]
    # As texts, so that rows from CSV and Parquet compare.
    return {tuple(str(v) for name, v in row.items() if name != target) for row in rows}


def files_of(benchmark: str) -> dict[str, list[dict[str, Any]]]:
    """Return the rows of the base set, the test set and all usable contributions."""
    paths = [
        *(DATA / "benchmarks" / benchmark / f"{name}.parquet" for name in ("base", "test")),
        *sorted((DATA / "contributions" / benchmark).iterdir()),
    ]
    if benchmark == "sms-spam":
        paths += [FIXTURES / name for name in HONEST_SMS_FIXTURES]
    return {path.name: read_rows(path) for path in paths}


@pytest.fixture(scope="module")
def remade(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Run the script into an empty folder."""
    output = tmp_path_factory.mktemp("data")
    script = DATA / "split_sources.py"
    subprocess.run([sys.executable, str(script), "--output", str(output)], check=True)
    return output


def test_script_makes_every_committed_file(remade: Path) -> None:
    """No committed data file is left over from an earlier rule, and none is missing."""
    made = {path.relative_to(remade).as_posix() for path in remade.rglob("*") if path.is_file()}
    assert made == committed_files() - HAND_MADE


@pytest.mark.parametrize("name", sorted(committed_files() - HAND_MADE))
def test_script_reproduces_committed_bytes(remade: Path, name: str) -> None:
    """A second run gives the same bytes."""
    if name.endswith(".parquet"):
        writer = pq.read_metadata(DATA / "benchmarks/sms-spam/base.parquet").created_by
        if writer != f"parquet-cpp-arrow version {pa.__version__}":
            # Another pyarrow names itself in the file and may encode pages in another way.
            if name != "test_fixtures/bad_truncated.parquet":
                assert pq.read_table(remade / name).equals(pq.read_table(DATA / name))
            return
    assert (remade / name).read_bytes() == (DATA / name).read_bytes()


def test_row_order_of_the_sources_has_no_influence(remade: Path, tmp_path: Path) -> None:
    """Reversed sources give the same files."""
    for path in (DATA / "sources").glob("*.parquet"):
        table = pq.read_table(path)
        pq.write_table(table.take(list(range(len(table)))[::-1]), tmp_path / path.name)
    script = DATA / "split_sources.py"
    output = tmp_path / "output"
    command = [sys.executable, str(script), "--sources", str(tmp_path), "--output", str(output)]
    subprocess.run(command, check=True)
    for path in filter(Path.is_file, remade.rglob("*")):
        assert (output / path.relative_to(remade)).read_bytes() == path.read_bytes()


@pytest.mark.parametrize("benchmark", TARGETS)
def test_no_group_stands_in_two_files(benchmark: str) -> None:
    """Test set, base set and contributions share no group with one another."""
    seen: dict[Hashable, str] = {}
    for name, rows in files_of(benchmark).items():
        for group in groups(benchmark, rows):
            assert seen.setdefault(group, name) == name


@pytest.mark.parametrize("benchmark", TARGETS)
def test_benchmark_is_complete(benchmark: str) -> None:
    """A benchmark has four contributions or more, all classes, and a large, clean test set."""
    files = files_of(benchmark)
    target = TARGETS[benchmark]
    test = files["test.parquet"]
    assert len(list((DATA / "contributions" / benchmark).iterdir())) >= 4
    assert len(test) >= LEAST_TEST_ROWS[benchmark]
    assert len({tuple(row.values()) for row in test}) == len(test)
    classes = {row[target] for row in test}
    assert {row[target] for row in files["base.parquet"]} == classes
    for rows in files.values():
        assert {row[target] for row in rows} <= classes
    assert (DATA / "drops" / benchmark / ".gitkeep").is_file()


@pytest.mark.parametrize("benchmark", TARGETS)
def test_rows_come_from_the_source(benchmark: str) -> None:
    """Apart from hand-made and flipped rows, every row stands in the named source."""
    source = {"sms-spam": "sms_spam", "adult-income": "adult", "letter": "keel_letter"}[benchmark]

    def as_texts(row: dict[str, Any]) -> tuple[str, ...]:
        return tuple(str(value) for value in row.values())

    known = {as_texts(row) for row in read_rows(DATA / "sources" / f"{source}.parquet")}
    for name, rows in files_of(benchmark).items():
        if name not in {"pii_laden.csv", "label_flipped.csv"}:
            assert {as_texts(row) for row in rows} <= known


def test_bad_missing_column_has_other_columns() -> None:
    """Neither of the schema's columns is there."""
    rows = read_csv(FIXTURES / "bad_missing_column.csv")
    assert rows
    assert list(rows[0]) == ["message", "category"]


def test_bad_unknown_label_has_some() -> None:
    """Some labels are outside the schema, most are not."""
    labels = [row["label"] for row in read_rows(FIXTURES / "bad_unknown_label.json")]
    unknown = [label for label in labels if label not in {"good", "bad"}]
    assert 0 < len(unknown) < len(labels) / 2


def test_bad_empty_files_have_no_rows() -> None:
    """One has a header only, the other an empty array."""
    assert (FIXTURES / "bad_empty.csv").read_text() == "text,label\n"
    assert json.loads((FIXTURES / "bad_empty.json").read_text()) == []


def test_bad_truncated_is_unreadable() -> None:
    """The file starts like Parquet and has lost its footer."""
    assert (FIXTURES / "bad_truncated.parquet").read_bytes().startswith(b"PAR1")
    with pytest.raises(pa.ArrowInvalid):
        pq.read_table(FIXTURES / "bad_truncated.parquet")


def test_bad_types_has_texts_in_a_numeric_column() -> None:
    """Some cells of an integer column of the letter benchmark are no numbers."""
    cells = [row["c3"] for row in read_csv(FIXTURES / "bad_types.csv")]
    assert 0 < sum(not cell.isdecimal() for cell in cells) < len(cells)


@pytest.mark.parametrize("origin", ["test", "base"])
def test_bad_copied_rows_stand_in_their_origin(origin: str) -> None:
    """All 200 rows are copies."""
    rows = read_csv(FIXTURES / f"bad_copied_from_{origin}.csv")
    known = read_rows(DATA / "benchmarks" / "sms-spam" / f"{origin}.parquet")
    assert len(rows) == 200
    assert all(row in known for row in rows)


def test_label_flipped_has_every_label_wrong() -> None:
    """Each message stands in the source with the other label."""
    source = {r["text"]: r["label"] for r in read_rows(DATA / "sources" / "sms_spam.parquet")}
    rows = read_csv(FIXTURES / "label_flipped.csv")
    assert len(rows) >= 300
    assert all({row["label"], source[row["text"]]} == {"good", "bad"} for row in rows)


def test_test_queries_has_several_hundred_rows() -> None:
    """The sample contribution is large enough to be accepted."""
    assert len(read_csv(FIXTURES / "test_queries.csv")) >= 300


def test_pii_laden_is_usable_and_fictitious() -> None:
    """Addresses and numbers come from ranges that are set aside or were published for tests."""
    rows = read_csv(FIXTURES / "pii_laden.csv")
    assert list(rows[0]) == ["text", "label", "sender_email"]
    assert {row["label"] for row in rows} == {"good", "bad"}
    text = "\n".join(f"{row['text']} {row['sender_email']}" for row in rows)

    domains = set(re.findall(r"@([\w.-]+\w)", text))
    assert domains == {"example.com", "example.org", "example.net"}

    addresses = re.findall(r"\b\d{1,3}(?:\.\d{1,3}){3}\b", text)
    assert len(addresses) >= 5
    for address in map(ipaddress.ip_address, addresses):
        assert any(address in network for network in DOCUMENTATION_NETWORKS)

    spans = re.findall(r"[+(]?\d[\d ()./-]{7,}\d", text)
    numbers = [re.sub(r"\D", "", span) for span in spans if span not in addresses]
    cards = {number for number in numbers if len(number) >= 15}
    assert cards == PUBLISHED_TEST_CARDS
    ssns = {number for number in numbers if len(number) == 9}
    assert ssns == WITHDRAWN_SSNS
    phones = [number for number in numbers if number not in cards | ssns]
    assert len(phones) >= 25
    # 202-555-01xx and 800-555-0199 in North America; Ofcom's numbers for drama in Britain.
    fictitious = r"1?20255501\d\d|18005550199|02079460\d{3}|(?:0|44)7700900\d{3}|08081570\d{3}"
    assert [number for number in phones if not re.fullmatch(fictitious, number)] == []
