"""Typed rows, and the same rows written to files of every format by other libraries."""

import csv
import datetime
import json
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
from hypothesis import strategies as st

from hokusai_assets.tables.columns import COLUMN_TYPES, arrow_type

TYPES = {f"a {kind}": kind for kind in COLUMN_TYPES}

_CHARACTERS = st.characters(exclude_categories=["Cs"])
_VISIBLE = st.text(_CHARACTERS, max_size=12).filter(lambda text: text.strip() and _trims(text))
_AWKWARD = st.sampled_from(
    ["007", "1.0", "1e5", "NaN", "null", "None", "true", 'say "hi"', "a,b", "two\nlines", "-", "="]
)


def _trims(text: str) -> bool:
    # Arrow's white space and Python's agree but for a few control characters.
    return not any("\x1c" <= character <= "\x1f" or character == "\x85" for character in text)


WORDS = _AWKWARD | _VISIBLE
ROWS = st.fixed_dictionaries(
    {
        "a integer": st.none() | st.integers(-(2**63), 2**63 - 1),
        "a number": st.none() | st.floats(allow_nan=False, allow_infinity=False),
        "a category": st.none() | WORDS.map(str.strip),
        "a boolean": st.none() | st.booleans(),
        "a datetime": st.none()
        | st.datetimes(min_value=datetime.datetime(1000, 1, 1), timezones=st.just(datetime.UTC)),
        "a text": st.none() | WORDS,
    }
)


def typed_table(rows: list[dict]) -> pa.Table:
    return pa.table(
        {
            name: pa.array([row[name] for row in rows], arrow_type(kind))
            for name, kind in TYPES.items()
        }
    )


def _plain(value: object) -> object:
    return value.isoformat() if isinstance(value, datetime.datetime) else value


def _pandas(rows: list[dict]) -> pd.DataFrame:
    # Extension types: numpy's have no missing integer, and would send one through a float.
    kinds = {"integer": "Int64", "number": "float64", "boolean": "boolean"}
    return pd.DataFrame(
        {
            name: pd.array([_plain(row[name]) for row in rows], dtype=kinds.get(kind, "string"))
            for name, kind in TYPES.items()
        }
    )


def write_csv(rows: list[dict], path: Path) -> None:
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, list(TYPES))
        writer.writeheader()
        writer.writerows({name: _plain(value) for name, value in row.items()} for row in rows)


def write_csv_pandas(rows: list[dict], path: Path) -> None:
    # With "\n" alone pandas writes a carriage return inside a cell without quotes.
    _pandas(rows).to_csv(path, index=False, lineterminator="\r\n")


def write_csv_arrow(rows: list[dict], path: Path) -> None:
    pa_csv.write_csv(typed_table(rows), path)


def write_json(rows: list[dict], path: Path) -> None:
    path.write_text(json.dumps(rows, default=_plain), encoding="utf-8")


def write_json_lines(rows: list[dict], path: Path) -> None:
    lines = [json.dumps(row, default=_plain, ensure_ascii=False) for row in rows]
    path.write_text("\n".join(lines), encoding="utf-8")


def write_parquet(rows: list[dict], path: Path) -> None:
    pq.write_table(typed_table(rows), path)


def write_parquet_pandas(rows: list[dict], path: Path) -> None:
    frame = _pandas(rows).drop(columns="a datetime")
    moments = [None if row["a datetime"] is None else row["a datetime"] for row in rows]
    frame["a datetime"] = pd.Series(moments, dtype="datetime64[us, UTC]")
    frame["a category"] = frame["a category"].astype("category")
    frame.to_parquet(path, index=False)


WRITERS: dict[str, tuple[str, Callable[[list[dict], Path], None]]] = {
    "csv": (".csv", write_csv),
    "csv by pandas": (".csv", write_csv_pandas),
    "csv by arrow": (".CSV", write_csv_arrow),
    "json": (".json", write_json),
    "json lines": (".jsonl", write_json_lines),
    "parquet": (".parquet", write_parquet),
    "parquet by pandas": (".pq", write_parquet_pandas),
}
