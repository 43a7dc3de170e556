"""Rows made comparable: normalised cells, and 128-bit match keys that stay the same for ever.

A row's feature key is BLAKE2b-128 (RFC 7693) over a fixed-width record: the digest of the schema
(scheme number, column names and kinds), then per column in ascending order of name a null byte
and the cell: 8 bytes for a number, boolean or time (integers as two's complement, binary64 bits
with one NaN and no minus zero, microseconds since 1970 UTC; little-endian), 16 bytes for a text
(BLAKE2b-128 of its normalised UTF-8). The match key is BLAKE2b-128 over feature key and label.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from hokusai_assets.benchmarks.spec import BenchmarkSpec
from hokusai_assets.contributions.leakage.text_skeletons import NormalisedTexts
from hokusai_assets.privacy.spans import INVISIBLE
from hokusai_assets.privacy.tokens import reduce_tokens

# Raise it when normalisation changes: keys on disk then match no longer, instead of wrongly.
KEY_SCHEME = 1
KEY_BYTES = 16

# RE2's \s is ASCII: these are all of Unicode's separators and control characters.
_WHITE_SPACE = r"[\s\p{Z}\p{Cc}]+"


@dataclass(frozen=True)
class TextCells:
    """A text column of n rows: distinct normalised values, and each row's position among them."""

    values: NormalisedTexts
    positions: np.ndarray


@dataclass(frozen=True)
class ComparableRows:
    """The features of n rows, normalised, by column in ascending order of name.

    Attributes:
        names: the columns.
        count: n.
        codes: per column uint64 (n, 1) for numbers, (n, 2) for texts; missing cells are 0.
        missing: bool (n, columns).
        numbers: per column of numbers or times its values as float64 (n,), 0 where missing.
        texts: per column of strings its normalised cells.
    """

    names: tuple[str, ...]
    count: int
    codes: tuple[np.ndarray, ...]
    missing: np.ndarray
    numbers: Mapping[str, np.ndarray]
    texts: Mapping[str, TextCells]

    def feature_keys(self) -> np.ndarray:
        """Return each row's feature key, uint8 (n, 16)."""
        kinds = "".join("s" if name in self.texts else "n" for name in self.names)
        schema = f"{KEY_SCHEME}\0{kinds}\0" + "\0".join(self.names)
        parts = [np.broadcast_to(_as_bytes([_digest(schema.encode())]), (self.count, KEY_BYTES))]
        parts.append(self.missing.view(np.uint8))
        parts += [
            codes.view(np.uint8).reshape(self.count, 8 * codes.shape[1]) for codes in self.codes
        ]
        return _row_digests(np.concatenate(parts, axis=1))

    def take(self, chosen: np.ndarray) -> "ComparableRows":
        """Return the rows of a mask or of positions."""
        return ComparableRows(
            self.names,
            int(chosen.sum()) if chosen.dtype == np.bool_ else len(chosen),
            tuple(codes[chosen] for codes in self.codes),
            self.missing[chosen],
            {name: values[chosen] for name, values in self.numbers.items()},
            {
                name: TextCells(cells.values, cells.positions[chosen])
                for name, cells in self.texts.items()
            },
        )


def comparable_rows(table: pa.Table, spec: BenchmarkSpec) -> ComparableRows:
    """Normalise the feature columns of a typed, pseudonymised table.

    Text and categories are compared after NFKD, lower case, white space collapsed and invisible
    characters taken out; personal data by its type alone. The label does not enter.

    Raises:
        TypeError: a column is not int64, float64, string, bool or timestamp.
    """
    names = tuple(sorted(spec.columns.keys() & set(table.column_names)))
    codes: list[np.ndarray] = []
    missing = np.zeros((table.num_rows, len(names)), dtype=bool)
    numbers: dict[str, np.ndarray] = {}
    texts: dict[str, TextCells] = {}
    for index, name in enumerate(names):
        array = _plain(table.column(name))
        missing[:, index] = np.asarray(pc.is_null(array))
        if pa.types.is_string(array.type):
            texts[name] = cells = _text_cells(array)
            found = _value_codes(cells.values.values)[cells.positions]
        else:
            found, numbers[name] = _number_codes(name, array)
        found[missing[:, index]] = 0
        codes.append(found)
    return ComparableRows(names, table.num_rows, tuple(codes), missing, numbers, texts)


def match_keys(feature_keys: np.ndarray, labels: pa.ChunkedArray | pa.Array) -> np.ndarray:
    """Return the keys of features and label together, uint8 (n, 16).

    Args:
        feature_keys: uint8 (n, 16).
        labels: n strings, none missing.
    """
    encoded = _plain(labels).dictionary_encode()
    distinct = _as_bytes([_digest(label.encode()) for label in encoded.dictionary.to_pylist()])
    codes = distinct[np.asarray(encoded.indices)]
    return _row_digests(np.concatenate([feature_keys, codes], axis=1))


def _plain(column: pa.ChunkedArray | pa.Array) -> pa.Array:
    array = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    return array.dictionary_decode() if pa.types.is_dictionary(array.type) else array


def normalised_text(values: pa.Array) -> pa.Array:
    """Return texts as they are compared: see `comparable_rows`; same length, nulls stay."""
    # Decomposed, which tells the same texts apart as NFKC does; Arrow 25 would not compose.
    text = pc.utf8_lower(pc.utf8_normalize(reduce_tokens(values), form="NFKD"))
    text = pc.replace_substring_regex(text, f"[{INVISIBLE}]+", "")
    return pc.utf8_trim_whitespace(pc.replace_substring_regex(text, _WHITE_SPACE, " "))


def _text_cells(array: pa.Array) -> TextCells:
    encoded = array.dictionary_encode()
    # One value at least, so that missing cells have a position to point to.
    values = pa.concat_arrays([pa.array([""], pa.string()), encoded.dictionary])
    positions = np.asarray(pc.fill_null(encoded.indices.cast(pa.int64()), -1)) + 1
    return TextCells(NormalisedTexts(normalised_text(values)), positions)


def _value_codes(values: pa.Array) -> np.ndarray:
    digests = b"".join(_digest(value) for value in values.cast(pa.binary()).to_pylist())
    return np.frombuffer(digests, dtype="<u8").reshape(-1, 2)


def _number_codes(name: str, array: pa.Array) -> tuple[np.ndarray, np.ndarray]:
    if pa.types.is_floating(array.type):
        values = np.asarray(pc.fill_null(array, 0.0)) + 0.0
        values = np.where(np.isnan(values), np.nan, values)
        return values.view("<u8").reshape(-1, 1).copy(), np.nan_to_num(values)
    if pa.types.is_timestamp(array.type):
        array = array.cast(pa.timestamp("us", "UTC")).cast(pa.int64())
    elif pa.types.is_boolean(array.type):
        array = array.cast(pa.int64())
    elif not pa.types.is_int64(array.type):
        raise TypeError(f"column {name!r}: {array.type} can't be compared")
    whole = np.asarray(pc.fill_null(array, 0)).astype("<i8")
    return whole.view("<u8").reshape(-1, 1).copy(), whole.astype(np.float64)


def _digest(data: bytes) -> bytes:
    return hashlib.blake2b(data, digest_size=KEY_BYTES).digest()


def _as_bytes(digests: list[bytes]) -> np.ndarray:
    return np.frombuffer(b"".join(digests), dtype=np.uint8).reshape(-1, KEY_BYTES)


def _row_digests(records: np.ndarray) -> np.ndarray:
    if not len(records):
        return np.zeros((0, KEY_BYTES), dtype=np.uint8)
    width = records.shape[1]
    data = np.ascontiguousarray(records).tobytes()
    blake2b = hashlib.blake2b
    return _as_bytes(
        [
            blake2b(data[start : start + width], digest_size=KEY_BYTES).digest()
            for start in range(0, len(data), width)
        ]
    )
