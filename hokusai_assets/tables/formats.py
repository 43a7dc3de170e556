"""Which format a file's name says, what its sender declares of it, and what was found out."""

from dataclasses import dataclass
from typing import Literal

FormatName = Literal["CSV", "JSON", "JSON Lines", "Parquet"]
FORMATS: dict[str, FormatName] = {
    ".csv": "CSV",
    ".tsv": "CSV",
    ".json": "JSON",
    ".jsonl": "JSON Lines",
    ".ndjson": "JSON Lines",
    ".parquet": "Parquet",
    ".pq": "Parquet",
}
COMPRESSIONS = {".gz": "gzip", ".zst": "zstd"}
ENDINGS = tuple(
    [
        *FORMATS,
        *(
            ending + packed
            for ending, kind in FORMATS.items()
            if kind != "Parquet"
            for packed in COMPRESSIONS
        ),
    ]
)
ENDINGS_IN_WORDS = (
    ", ".join(sorted(FORMATS)) + "; .csv, .tsv, .json, .jsonl and .ndjson also as .gz or .zst"
)

DELIMITERS = (",", ";", "\t", "|")
ENCODINGS = ("utf-8", "utf-16", "latin-1")
DECIMAL_MARKS = (".", ",")


@dataclass(frozen=True)
class FileFormat:
    """What a name says of a file: its format, its compression, its ending in lower case."""

    format: FormatName
    compression: str | None
    ending: str

    @property
    def is_parquet(self) -> bool:
        """Whether it is Parquet, which alone may be a folder of parts."""
        return self.format == "Parquet"


def format_of(name: str) -> FileFormat | None:
    """Return what the ending of a file's or folder's name says, None for an unknown one.

    The ending is one of `ENDINGS`, in any case; something stands before it.
    """
    lowered = name.lower()
    for ending in ENDINGS:
        if lowered.endswith(ending) and len(lowered) > len(ending):
            plain, _, packed = ending[1:].partition(".")
            compression = COMPRESSIONS[f".{packed}"] if packed else None
            return FileFormat(FORMATS[f".{plain}"], compression, ending)
    return None


@dataclass(frozen=True)
class DeclaredFormat:
    """What the sender declares of a CSV file; None means: find out.

    Attributes:
        delimiter: one of ``,`` ``;`` tab ``|`` (the word ``tab`` stands for the character).
        encoding: ``utf-8``, ``utf-16`` or ``latin-1``. The last is read as windows-1252, as
            the WHATWG Encoding Standard does with that label.
        decimal: the decimal mark, ``.`` or ``,``.

    Raises:
        ValueError: a value is none of these; the message names what is allowed.
    """

    delimiter: str | None = None
    encoding: str | None = None
    decimal: str | None = None

    def __post_init__(self) -> None:
        if self.delimiter == "tab":
            object.__setattr__(self, "delimiter", "\t")
        if self.encoding is not None:
            object.__setattr__(self, "encoding", self.encoding.lower())
        if self.delimiter not in (None, *DELIMITERS):
            raise ValueError("delimiter: one of , ; | and tab")
        if self.encoding not in (None, *ENCODINGS):
            raise ValueError(f"encoding: one of {', '.join(ENCODINGS)}")
        if self.decimal not in (None, *DECIMAL_MARKS):
            raise ValueError("decimal: one of . and ,")

    @property
    def names(self) -> tuple[str, ...]:
        """What is declared."""
        given = {"delimiter": self.delimiter, "encoding": self.encoding, "decimal": self.decimal}
        return tuple(name for name, value in given.items() if value is not None)


@dataclass(frozen=True)
class FoundFormat:
    """What reading a file found out about it; reports show it.

    Attributes:
        format: ``CSV``, ``JSON``, ``JSON Lines`` or ``Parquet``.
        compression: ``gzip`` or ``zstd``; None for none, and for Parquet's own.
        encoding: ``utf-8``, ``utf-16-le``, ``utf-16-be`` or ``windows-1252``; None for Parquet.
        encoding_guessed: whether nothing but the failure of UTF-8 speaks for the encoding.
        delimiter: of CSV, else None.
        decimal: the decimal mark of CSV numbers, None while typing has not needed one or where
            the file leaves it open.
        parts: how many part files a Parquet folder has; None for one file.
    """

    format: FormatName
    compression: str | None = None
    encoding: str | None = None
    encoding_guessed: bool = False
    delimiter: str | None = None
    decimal: str | None = None
    parts: int | None = None

    def notes(self) -> tuple[str, ...]:
        """What the sender should know about how the file was read, a sentence each."""
        if self.encoding_guessed:
            return ("The text is not UTF-8 and was read as Latin-1: declare encoding to be sure.",)
        return ()

    def to_dict(self) -> dict[str, object]:
        """Return the JSON form, with every field present."""
        return {
            "format": self.format,
            "compression": self.compression,
            "encoding": self.encoding,
            "encoding_guessed": self.encoding_guessed,
            "delimiter": self.delimiter,
            "decimal": self.decimal,
            "parts": self.parts,
        }
