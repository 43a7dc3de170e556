"""Carve the bundled benchmarks, contributions and test fixtures out of the source data sets.

The same sources give the same rows on any machine, and the same bytes with the same pyarrow. No
random state is involved: rows that count as "the same example" form a group, the groups are
ordered by the SHA-256 of a seed and the group's key, and each output takes the next groups in
that order. A group therefore lies in one output only: no test row stands in a base set or in a
contribution, no contribution repeats another, and the order of the source rows has no influence.

Duplicate rows within a base set or a contribution stay, as they are natural in this data. In a
test set an exact duplicate is removed, so that no example counts twice in a score.
"""

import argparse
import csv
import hashlib
import io
import json
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

Row = dict[str, Any]

DATA_FOLDER = Path(__file__).resolve().parent
SEED = "hokusai-bundled-data-1"
OPPOSITE_LABEL = {"good": "bad", "bad": "good"}

SMS_SCHEMA = pa.schema([("text", pa.string()), ("label", pa.string())])
ADULT_SCHEMA = pa.schema(
    [
        ("age", pa.int64()),
        ("workclass", pa.string()),
        ("fnlwgt", pa.int64()),
        ("education", pa.string()),
        ("education-num", pa.int64()),
        ("marital-status", pa.string()),
        ("occupation", pa.string()),
        ("relationship", pa.string()),
        ("race", pa.string()),
        ("sex", pa.string()),
        ("capital-gain", pa.int64()),
        ("capital-loss", pa.int64()),
        ("hours-per-week", pa.int64()),
        ("native-country", pa.string()),
        ("income", pa.string()),
    ]
)
LETTER_SCHEMA = pa.schema(
    [*((f"c{number}", pa.int64()) for number in range(16)), ("c16", pa.string())]
)


def text_key(features: Row) -> str:
    """Return the text as compared between messages: case, spacing and digits do not matter.

    Spam is sent in series that differ only in a phone number or a code; those must not be torn
    apart between training and test data.
    """
    text = " ".join(str(features["text"]).casefold().split())
    return re.sub(r"\d", "0", text)


def exact_key(features: Row) -> str:
    """Return all feature values, unchanged."""
    return compact_json(list(features.values()))


@dataclass(frozen=True)
class Source:
    """One source data set and how many groups each output takes from it, in order."""

    file_name: str
    schema: pa.Schema
    target: str
    group_key: Callable[[Row], str]
    outputs: dict[str, int]


TEST_QUERIES = "test_fixtures/test_queries.csv"
LABEL_FLIPPED = "test_fixtures/label_flipped.csv"
MISSING_COLUMN = "test_fixtures/bad_missing_column.csv"
UNKNOWN_LABEL = "test_fixtures/bad_unknown_label.json"
TRUNCATED = "test_fixtures/bad_truncated.parquet"
WRONG_TYPES = "test_fixtures/bad_types.csv"
SMS_TEST = "benchmarks/sms-spam/test.parquet"
SMS_BASE = "benchmarks/sms-spam/base.parquet"

SMS = Source(
    file_name="sms_spam.parquet",
    schema=SMS_SCHEMA,
    target="label",
    group_key=text_key,
    outputs={
        SMS_TEST: 1800,
        SMS_BASE: 300,
        "contributions/sms-spam/batch-01.csv": 400,
        "contributions/sms-spam/batch-02.json": 400,
        "contributions/sms-spam/batch-03.jsonl": 400,
        "contributions/sms-spam/batch-04.parquet": 400,
        "contributions/sms-spam/batch-05.csv": 100,
        TEST_QUERIES: 700,
        LABEL_FLIPPED: 400,
        MISSING_COLUMN: 60,
        UNKNOWN_LABEL: 60,
        TRUNCATED: 60,
    },
)
ADULT = Source(
    file_name="adult.parquet",
    schema=ADULT_SCHEMA,
    target="income",
    group_key=exact_key,
    outputs={
        "benchmarks/adult-income/test.parquet": 6000,
        "benchmarks/adult-income/base.parquet": 400,
        "contributions/adult-income/batch-01.parquet": 1000,
        "contributions/adult-income/batch-02.parquet": 2000,
        "contributions/adult-income/batch-03.parquet": 3000,
        "contributions/adult-income/batch-04.parquet": 4000,
    },
)
LETTER = Source(
    file_name="keel_letter.parquet",
    schema=LETTER_SCHEMA,
    target="c16",
    group_key=exact_key,
    outputs={
        "benchmarks/letter/test.parquet": 4500,
        "benchmarks/letter/base.parquet": 1500,
        "contributions/letter/batch-01.csv": 500,
        "contributions/letter/batch-02.parquet": 1000,
        "contributions/letter/batch-03.csv": 1500,
        "contributions/letter/batch-04.parquet": 2000,
        WRONG_TYPES: 100,
    },
)


def compact_json(value: object) -> str:
    """Return one fixed JSON spelling of a value."""
    return json.dumps(value, ensure_ascii=True, separators=(",", ":"))


def grouped_rows(source: Source, table: pa.Table) -> list[list[Row]]:
    """Return the rows in groups, in an order that depends on their content and the seed only."""
    groups: dict[str, list[Row]] = {}
    for row in table.to_pylist():
        features = {name: value for name, value in row.items() if name != source.target}
        text = "\n".join((SEED, source.file_name, source.group_key(features)))
        groups.setdefault(hashlib.sha256(text.encode()).hexdigest(), []).append(row)
    return [
        sorted(groups[digest], key=lambda row: compact_json(list(row.values())))
        for digest in sorted(groups)
    ]


def without_duplicates(rows: Iterable[Row]) -> list[Row]:
    """Return the rows with every exact repetition left out."""
    return list({compact_json(list(row.values())): row for row in rows}.values())


def carve(source: Source, folder: Path) -> dict[str, list[Row]]:
    """Return the rows of each output of one source."""
    table = pq.read_table(folder / source.file_name).select(source.schema.names)
    groups = grouped_rows(source, table.cast(source.schema))
    needed = sum(source.outputs.values())
    if needed > len(groups):
        raise ValueError(f"{source.file_name} has {len(groups)} groups, the outputs take {needed}")
    carved: dict[str, list[Row]] = {}
    start = 0
    for path, count in source.outputs.items():
        rows = [row for group in groups[start : start + count] for row in group]
        carved[path] = without_duplicates(rows) if path.endswith("/test.parquet") else rows
        start += count
    return carved


def parquet_bytes(rows: list[Row], schema: pa.Schema) -> bytes:
    """Return the rows as Parquet, with every option that shapes the bytes set here."""
    table = pa.Table.from_pylist(rows, schema=schema)
    buffer = io.BytesIO()
    pq.write_table(
        table,
        buffer,
        version="2.6",
        data_page_version="1.0",
        compression="zstd",
        compression_level=9,
        row_group_size=1_000_000,
        store_schema=False,
    )
    return buffer.getvalue()


def csv_bytes(rows: list[Row], columns: list[str]) -> bytes:
    """Return the rows as UTF-8 CSV with a header and `\\n` line ends."""
    buffer = io.StringIO(newline="")
    writer = csv.DictWriter(buffer, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return buffer.getvalue().encode()


def json_bytes(rows: list[Row]) -> bytes:
    """Return the rows as one UTF-8 JSON array of records."""
    return (json.dumps(rows, ensure_ascii=False, indent=1) + "\n").encode()


def json_lines_bytes(rows: list[Row]) -> bytes:
    """Return the rows as UTF-8 JSON Lines, one record a line."""
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()


def encode(path: str, rows: list[Row], schema: pa.Schema) -> bytes:
    """Return the rows in the format that the path's suffix names."""
    match Path(path).suffix:
        case ".parquet":
            return parquet_bytes(rows, schema)
        case ".csv":
            return csv_bytes(rows, schema.names)
        case ".json":
            return json_bytes(rows)
        case ".jsonl":
            return json_lines_bytes(rows)
        case suffix:
            raise ValueError(f"no writer for {suffix!r} files")


def sms_files(folder: Path) -> dict[str, bytes]:
    """Return the files made from the messages: the benchmark and most of the fixtures."""
    carved = carve(SMS, folder)

    # Fixtures that stay well-formed but are wrong in their content.
    carved[LABEL_FLIPPED] = [
        {**row, "label": OPPOSITE_LABEL[row["label"]]} for row in carved[LABEL_FLIPPED]
    ]
    carved[UNKNOWN_LABEL] = [
        {**row, "label": "unsure"} if number % 5 == 0 else row
        for number, row in enumerate(carved[UNKNOWN_LABEL])
    ]
    carved["test_fixtures/bad_copied_from_test.csv"] = carved[SMS_TEST][:200]
    carved["test_fixtures/bad_copied_from_base.csv"] = carved[SMS_BASE][:200]
    carved["test_fixtures/bad_empty.csv"] = []
    carved["test_fixtures/bad_empty.json"] = []
    files = {path: encode(path, rows, SMS.schema) for path, rows in carved.items()}

    # Fixtures whose form is wrong.
    renamed = [{"message": row["text"], "category": row["label"]} for row in carved[MISSING_COLUMN]]
    files[MISSING_COLUMN] = csv_bytes(renamed, ["message", "category"])
    whole = files[TRUNCATED]
    files[TRUNCATED] = whole[: len(whole) // 2]
    return files


def adult_files(folder: Path) -> dict[str, bytes]:
    """Return the files made from the census rows."""
    return {path: encode(path, rows, ADULT.schema) for path, rows in carve(ADULT, folder).items()}


def letter_files(folder: Path) -> dict[str, bytes]:
    """Return the files made from the letter images, and the fixture with texts among numbers."""
    carved = carve(LETTER, folder)
    carved[WRONG_TYPES] = [
        {**row, "c3": "unknown"} if number % 10 == 0 else row
        for number, row in enumerate(carved[WRONG_TYPES])
    ]
    return {path: encode(path, rows, LETTER.schema) for path, rows in carved.items()}


def main() -> None:
    """Write every carved file below the output folder."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sources", type=Path, default=DATA_FOLDER / "sources", metavar="DIR")
    parser.add_argument("--output", type=Path, default=DATA_FOLDER, metavar="DIR")
    arguments = parser.parse_args()
    for make_files in (sms_files, adult_files, letter_files):
        for path, content in make_files(arguments.sources).items():
            target = arguments.output / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)


if __name__ == "__main__":
    main()
