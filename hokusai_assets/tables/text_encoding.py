"""Finding the encoding of a CSV text, and turning its bytes into UTF-8.

Nothing is guessed where something can be known: a byte order mark, the zero bytes of UTF-16,
and UTF-8's own form (RFC 3629), judged over the whole file. What is left is read as
windows-1252, which is what the WHATWG Encoding Standard understands by Latin-1, and is said
to be a guess.
"""

import codecs
import re
from collections.abc import Iterable, Iterator

from hokusai_assets.tables.problems import refuse

SAMPLE_BYTES = 2**20
_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
# https://encoding.spec.whatwg.org/#windows-1252: where Microsoft's table has no character, the
# byte's own number is the character's.
_UNDEFINED_1252 = (0x81, 0x8D, 0x8F, 0x90, 0x9D)
_WINDOWS_1252 = "".join(
    chr(byte) if byte in _UNDEFINED_1252 else bytes([byte]).decode("windows-1252")
    for byte in range(256)
)
_NO_LATIN_1 = re.compile(rb"[\x00\x81\x8d\x8f\x90\x9d]")
_OTHER_KINDS = (
    (b"\x1f\x8b", "gzip", "Name the file .csv.gz or .json.gz."),
    (b"\x28\xb5\x2f\xfd", "Zstandard", "Name the file .csv.zst or .json.zst."),
    (b"PAR1", "Parquet", "Name the file .parquet."),
    (b"PK\x03\x04", "a zip archive or a spreadsheet", "Export the rows as CSV or Parquet."),
    (b"%PDF", "a PDF document", "Export the rows as CSV or Parquet."),
)


def refuse_other_kinds(sample: bytes, name: str) -> None:
    """Raise UnreadableFile (``not-text``) where a text file begins as another kind does."""
    for beginning, kind, fix in _OTHER_KINDS:
        if sample.startswith(beginning):
            refuse("not-text", f"{name}: the bytes are {kind}, not text.", fix)


def encoding_of_sample(sample: bytes, declared: str | None) -> str | None:
    """Return the encoding as far as a text's first bytes tell it.

    Args:
        sample: the first bytes, up to `SAMPLE_BYTES`.
        declared: what the sender declares: ``utf-8``, ``utf-16``, ``latin-1`` or None.

    Returns:
        ``utf-8``, ``utf-16-le``, ``utf-16-be`` or ``windows-1252``; None where only the whole
        text can tell UTF-8 from windows-1252.
    """
    if declared == "latin-1":
        return "windows-1252"
    marked = next((encoding for bom, encoding in _BOMS if sample.startswith(bom)), None)
    if declared == "utf-8":
        return "utf-8"
    if declared == "utf-16":
        if marked in ("utf-16-le", "utf-16-be"):
            return marked
        return _utf16_by_zero_bytes(sample) or "utf-16-le"
    return marked or _utf16_by_zero_bytes(sample)


def _utf16_by_zero_bytes(sample: bytes) -> str | None:
    """Return which UTF-16 a text without a mark is, by where its zero bytes stand.

    In ASCII written as UTF-16, which is UTF-8 with NULs too, every second byte is zero. Other
    texts have zero bytes at least at their line ends, and are no UTF-8.
    """
    even, odd = sample[0::2].count(0), sample[1::2].count(0)
    if not even and not odd:
        return None
    if _utf8_error(codecs.getincrementaldecoder("utf-8")(), sample, final=False) is None:
        if (even and odd) or max(even, odd) <= len(sample) // 4:
            return None
        return "utf-16-le" if odd else "utf-16-be"
    marks = {
        encoding: sum(text.count(mark) for mark in "\r\n,;|\t")
        for encoding in ("utf-16-le", "utf-16-be")
        if (text := _as_utf16(sample, encoding))
    }
    best = max(marks, key=lambda encoding: marks[encoding], default=None)
    return best if best and marks[best] else None


def _as_utf16(sample: bytes, encoding: str) -> str:
    """Return the sample as UTF-16; empty where it is none, or holds NULs."""
    try:
        text = codecs.getincrementaldecoder(encoding)().decode(sample)
    except UnicodeDecodeError:
        return ""
    return "" if "\0" in text else text


def is_utf8(blocks: Iterable[bytes], name: str, *, required: bool) -> bool:
    """Say whether a whole text is UTF-8; stops at the first bytes that are not.

    Args:
        blocks: the text, of which all up to the answer is taken.
        name: what messages call the file.
        required: whether anything else is refused.

    Raises:
        UnreadableFile: the text holds a NUL before the answer (``not-text``), or is not UTF-8
            though it has to be (``not-utf8``); both name the line.
    """
    decoder = codecs.getincrementaldecoder("utf-8")()
    lines = 1
    error = None
    for block in blocks:
        nul = block.find(b"\0")
        error = _utf8_error(decoder, block if nul < 0 else block[:nul], final=False)
        if error is not None:
            break
        refuse_nul(nul, block, name, lines)
        lines += block.count(b"\n")
    else:
        error = _utf8_error(decoder, b"", final=True)
    if error is not None and required:
        lines += error.object.count(b"\n", 0, error.start)
        refuse(
            "not-utf8",
            f"{name}, line {lines}: the text is not UTF-8.",
            "Save the file as UTF-8, or declare its encoding if it is CSV.",
        )
    return error is None


def _utf8_error(
    decoder: codecs.IncrementalDecoder, block: bytes, *, final: bool
) -> UnicodeDecodeError | None:
    if not final and block.isascii() and decoder.getstate()[0] == b"":
        return None
    try:
        decoder.decode(block, final)
    except UnicodeDecodeError as error:
        return error
    return None


def refuse_nul(position: int, block: bytes | str, name: str, lines: int) -> None:
    """Raise UnreadableFile (``not-text``) for a NUL found at a position (-1: none)."""
    if position < 0:
        return
    line_end = "\n" if isinstance(block, str) else b"\n"
    lines += block.count(line_end, 0, position)  # type: ignore[arg-type]
    refuse(
        "not-text",
        f"{name}, line {lines}: the text holds a NUL character.",
        "Save the file as plain text; if it is UTF-16, declare that encoding.",
    )


def utf8_blocks(
    blocks: Iterable[bytes], encoding: str, name: str, *, guessed: bool = False
) -> Iterator[bytes]:
    """Yield a text as UTF-8 without its byte order mark, in blocks that end anywhere.

    Args:
        blocks: the text's bytes.
        encoding: as `encoding_of_sample` gives it. UTF-8 is passed on unchecked.
        name: what messages call the file.
        guessed: whether windows-1252 is a guess; then bytes without a character in it are
            refused.

    Raises:
        UnreadableFile: the text is not of that encoding (``not-utf8``), or holds a NUL
            (``not-text``).
    """
    if encoding == "utf-8":
        yield from without_bom(blocks)
        return
    decoder = codecs.getincrementaldecoder(encoding)() if encoding != "windows-1252" else None
    lines, first = 1, True
    for block in blocks:
        text = _decoded(decoder, block, name, lines, guessed=guessed)
        if first and text:
            text, first = text.removeprefix("\ufeff"), False
        refuse_nul(text.find("\0"), text, name, lines)
        lines += text.count("\n")
        yield text.encode()
    if decoder is not None:
        yield _decoded(decoder, b"", name, lines, guessed=False).encode()


def _decoded(
    decoder: codecs.IncrementalDecoder | None, block: bytes, name: str, lines: int, *, guessed: bool
) -> str:
    if decoder is None:
        if guessed and (odd := _NO_LATIN_1.search(block)) and odd[0] != b"\0":
            lines += block.count(b"\n", 0, odd.start())
            refuse(
                "not-utf8",
                f"{name}, line {lines}: the text is neither UTF-8 nor Latin-1.",
                "Save the file as UTF-8.",
            )
        return codecs.charmap_decode(block, "strict", _WINDOWS_1252)[0]
    try:
        return str(decoder.decode(block, final=not block))
    except UnicodeDecodeError:
        refuse(
            "not-utf8",
            f"{name}, about line {lines}: the text is not whole UTF-16.",
            "Save the file as UTF-8.",
        )


def without_bom(blocks: Iterable[bytes]) -> Iterator[bytes]:
    """Yield a UTF-8 text without its byte order mark, if it begins with one."""
    held = b""
    started = False
    for block in blocks:
        if started:
            yield block
            continue
        held += block
        if len(held) >= len(codecs.BOM_UTF8):
            started = True
            # No empty block: to those who read on, it would be the end.
            if rest := held.removeprefix(codecs.BOM_UTF8):
                yield rest
    if not started and held:
        yield held
