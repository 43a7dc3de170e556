"""Parquet files that no writer would make: footers in Thrift's compact protocol, by hand.

Formats: parquet.thrift of the Apache Parquet project, and Thrift's compact protocol.
"""

import struct
from collections.abc import Iterable

_I32, _I64, _BINARY, _LIST, _STRUCT = 5, 6, 8, 9, 12
STRUCT_END = b"\0"


def varint(value: int) -> bytes:
    """Return a number as an unsigned LEB128."""
    out = bytearray()
    while True:
        low, value = value & 0x7F, value >> 7
        out.append(low | (0x80 if value else 0))
        if not value:
            return bytes(out)


def zigzag(value: int) -> bytes:
    return varint((value << 1) ^ (value >> 63) if value < 0 else value << 1)


def field(delta: int, kind: int, content: bytes) -> bytes:
    """Return a struct's field, numbered by its distance from the one before."""
    return bytes([delta << 4 | kind]) + content


def listed(kind: int, items: Iterable[bytes], count: int) -> bytes:
    head = bytes([count << 4 | kind]) if count < 15 else bytes([0xF0 | kind]) + varint(count)
    return head + b"".join(items)


def text(value: bytes) -> bytes:
    return varint(len(value)) + value


def group(name: bytes, children: int) -> bytes:
    """Return a schema element with children: optional, name (4), num_children (5)."""
    return (
        field(3, _I32, zigzag(1))
        + field(1, _BINARY, text(name))
        + field(1, _I32, zigzag(children))
        + STRUCT_END
    )


def leaf(name: bytes) -> bytes:
    """Return a schema element of type INT64 (2): type (1), repetition (3), name (4)."""
    return (
        field(1, _I32, zigzag(2))
        + field(2, _I32, zigzag(1))
        + field(1, _BINARY, text(name))
        + STRUCT_END
    )


def file_of(schema: Iterable[bytes], elements: int, *, rows: int = 0) -> bytes:
    """Return a Parquet file with that schema and no row group, whatever rows it claims."""
    footer = (
        field(1, _I32, zigzag(1))
        + field(1, _LIST, listed(_STRUCT, schema, elements))
        + field(1, _I64, zigzag(rows))
        + field(1, _LIST, listed(_STRUCT, (), 0))
        + STRUCT_END
    )
    return with_footer(footer)


def with_footer(footer: bytes, *, length: int | None = None) -> bytes:
    """Return a file that ends with a footer and says that it has that length."""
    stated = len(footer) if length is None else length
    return b"PAR1" + footer + struct.pack("<I", stated) + b"PAR1"
