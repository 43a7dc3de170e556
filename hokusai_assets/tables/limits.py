"""How much of a contributed file is read at most, so that no file takes the machine down."""

from dataclasses import dataclass, fields

# The parser's own stack ends near a thousand levels, at a depth that depends on its caller.
_DEEPEST_NESTING = 64


@dataclass(frozen=True)
class ReadLimits:
    """Bounds that are checked while a file is read; beyond one the file is refused.

    Attributes:
        max_file_bytes: bytes of the file as stored, or of all parts of a folder.
        max_decoded_bytes: bytes after decompression (text), or of the wanted columns (Parquet).
        max_expansion: decoded bytes per stored byte of a compressed text, counted only beyond
            256 MiB decoded.
        max_rows: data rows.
        max_columns: columns, wanted or not.
        max_row_bytes: UTF-8 bytes of one row of CSV or JSON Lines, characters of one record of
            a JSON document.
        max_cell_chars: characters of one text cell of a wanted column.
        max_nesting: levels of objects and lists within one record or column; at most 64.
        max_parts: part files of a folder.

    Raises:
        ValueError: a bound is below 1, ``max_nesting`` above 64, ``max_row_bytes`` above 2^30.
    """

    max_file_bytes: int = 4 * 2**30
    max_decoded_bytes: int = 16 * 2**30
    max_expansion: int = 250
    max_rows: int = 20_000_000
    max_columns: int = 2_000
    max_row_bytes: int = 8 * 2**20
    max_cell_chars: int = 1_000_000
    max_nesting: int = 8
    max_parts: int = 10_000

    def __post_init__(self) -> None:
        for bound in fields(self):
            if getattr(self, bound.name) < 1:
                raise ValueError(f"{bound.name}: a bound is at least 1")
        if self.max_row_bytes > 2**30:
            # The parsers count the bytes of a row in 32 bits.
            raise ValueError("max_row_bytes: at most 2^30")
        if self.max_nesting > _DEEPEST_NESTING:
            raise ValueError(f"max_nesting: at most {_DEEPEST_NESTING}")
