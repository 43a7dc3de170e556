"""Typed rows, and the same rows written to files of every format by other libraries.

Each writer is given a path with its ending; what its file has to be declared stands with it.
"""

import csv
import datetime
import gzip
import io
import json
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
from hypothesis import strategies as st

from hokusai_assets.tables.columns import COLUMN_TYPES, arrow_type
from hokusai_assets.tables.formats import DeclaredFormat

TYPES = {f"a {kind}": kind for kind in COLUMN_TYPES}

# No NUL: text files that hold one are refused.
_CHARACTERS = st.characters(exclude_categories=["Cs"], exclude_characters="\0")
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


def csv_text(rows: list[dict], *, delimiter: str = ",", decimal: str = ".") -> str:
    stream = io.StringIO(newline="")
    writer = csv.DictWriter(stream, list(TYPES), delimiter=delimiter, quoting=csv.QUOTE_ALL)
    writer.writeheader()
    for row in rows:
        cells = {name: _plain(value) for name, value in row.items()}
        if isinstance(cells["a number"], float):
            cells["a number"] = repr(cells["a number"]).replace(".", decimal)
        writer.writerow(cells)
    return stream.getvalue()


def write_csv(rows: list[dict], path: Path) -> None:
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, list(TYPES))
        writer.writeheader()
        writer.writerows({name: _plain(value) for name, value in row.items()} for row in rows)


def write_csv_semicolons(rows: list[dict], path: Path) -> None:
    text = csv_text(rows, delimiter=";", decimal=",")
    path.write_bytes(text.encode("utf-8-sig"))


def write_csv_utf16(rows: list[dict], path: Path) -> None:
    path.write_bytes(csv_text(rows, delimiter="|").encode("utf-16"))


def write_tsv_gzip(rows: list[dict], path: Path) -> None:
    path.write_bytes(gzip.compress(csv_text(rows, delimiter="\t").encode()))


def write_csv_pandas(rows: list[dict], path: Path) -> None:
    # With "\n" alone pandas writes a carriage return inside a cell without quotes.
    _pandas(rows).to_csv(path, index=False, lineterminator="\r\n")


def write_csv_arrow(rows: list[dict], path: Path) -> None:
    pa_csv.write_csv(typed_table(rows), path)


def write_json(rows: list[dict], path: Path) -> None:
    path.write_text(json.dumps(rows, default=_plain), encoding="utf-8")


def write_json_object(rows: list[dict], path: Path) -> None:
    named = {f"row {number}": row for number, row in enumerate(rows)}
    path.write_text(json.dumps(named, default=_plain, indent=2), encoding="utf-8")


def write_json_member(rows: list[dict], path: Path) -> None:
    text = json.dumps({"data": rows}, default=_plain, ensure_ascii=False)
    with pa.CompressedOutputStream(str(path), "zstd") as stream:
        stream.write(text.encode())


def write_json_lines(rows: list[dict], path: Path) -> None:
    lines = [json.dumps(row, default=_plain, ensure_ascii=False) for row in rows]
    path.write_text("\n".join(lines), encoding="utf-8")


def write_parquet(rows: list[dict], path: Path) -> None:
    pq.write_table(typed_table(rows), path)


def write_parquet_parts(rows: list[dict], path: Path) -> None:
    path.mkdir()
    (path / "_SUCCESS").write_bytes(b"")
    for number in range(0, len(rows), 2):
        part = path / f"part-{number:05}.parquet"
        pq.write_table(typed_table(rows[number : number + 2]), part, compression="zstd")


def write_parquet_pandas(rows: list[dict], path: Path) -> None:
    frame = _pandas(rows).drop(columns="a datetime")
    moments = [None if row["a datetime"] is None else row["a datetime"] for row in rows]
    frame["a datetime"] = pd.Series(moments, dtype="datetime64[us, UTC]")
    frame["a category"] = frame["a category"].astype("category")
    frame.to_parquet(path, index=False)


_POINT, _COMMA = DeclaredFormat(decimal="."), DeclaredFormat(decimal=",")
WRITERS: dict[str, tuple[str, Callable[[list[dict], Path], None], DeclaredFormat]] = {
    "csv": (".csv", write_csv, DeclaredFormat()),
    "csv with semicolons": (".csv", write_csv_semicolons, _COMMA),
    "csv in utf-16": (".csv", write_csv_utf16, _POINT),
    "tsv in gzip": (".tsv.gz", write_tsv_gzip, _POINT),
    "csv by pandas": (".csv", write_csv_pandas, DeclaredFormat()),
    "csv by arrow": (".CSV", write_csv_arrow, DeclaredFormat()),
    "json": (".json", write_json, DeclaredFormat()),
    "json object": (".json", write_json_object, DeclaredFormat()),
    "json member in zstd": (".json.zst", write_json_member, DeclaredFormat()),
    "json lines": (".jsonl", write_json_lines, DeclaredFormat()),
    "parquet": (".parquet", write_parquet, DeclaredFormat()),
    "parquet parts": (".parquet", write_parquet_parts, DeclaredFormat()),
    "parquet by pandas": (".pq", write_parquet_pandas, DeclaredFormat()),
}
