"""A file's bytes after decompression, block by block, with the limits on bytes checked."""

from collections.abc import Iterator
from typing import BinaryIO

import pyarrow as pa

from hokusai_assets.tables.limits import ReadLimits
from hokusai_assets.tables.problems import refuse

BLOCK_BYTES = 4 * 2**20
# Small repetitive files may expand a thousandfold and are no bomb.
_EXPANSION_FREE_BYTES = 256 * 2**20


def check_file_size(size: int, name: str, limits: ReadLimits) -> None:
    """Raise UnreadableFile for a file without bytes, or with more than the limit."""
    if size == 0:
        refuse("empty-file", f"{name}: the file has no bytes.", "Send a file with rows.")
    if size > limits.max_file_bytes:
        refuse(
            "too-large",
            f"{name}: the file has more than {limits.max_file_bytes:,} bytes.",
            "Send it as several files.",
        )


def decoded_blocks(
    stream: BinaryIO,
    compression: str | None,
    *,
    size: int,
    name: str,
    limits: ReadLimits,
    block_bytes: int = BLOCK_BYTES,
) -> Iterator[bytes]:
    """Yield the decompressed bytes of an open file, each block at most ``block_bytes`` long.

    Several gzip members (RFC 1952) or Zstandard frames (RFC 8878) in a row are one text.

    Args:
        stream: the file, at its start.
        compression: ``gzip``, ``zstd`` or None.
        size: the file's bytes, for the limit on expansion.
        name: what messages call it.
        limits: bounds on what comes out.
        block_bytes: the longest block.

    Raises:
        UnreadableFile: the compressed data is damaged or incomplete (``bad-compression``), or
            expands beyond a limit (``too-large``).
        OSError: the file can't be read.
    """
    source = stream
    if compression is not None:
        source = pa.CompressedInputStream(pa.PythonFile(stream, mode="r"), compression)
    most = limits.max_decoded_bytes
    if compression is not None:
        most = min(most, max(_EXPANSION_FREE_BYTES, size * limits.max_expansion))
    total = 0
    while block := _next_block(source, block_bytes, name, compression):
        total += len(block)
        if total > most:
            refuse(
                "too-large",
                f"{name}: the text has more than {most:,} bytes once it is decompressed."
                if compression
                else f"{name}: the text has more than {most:,} bytes.",
                "Send it as several files.",
            )
        yield block


def _next_block(source: BinaryIO, block_bytes: int, name: str, compression: str | None) -> bytes:
    try:
        return bytes(source.read(block_bytes))
    except (pa.ArrowException, OSError) as error:
        # Of Arrow's own errors none has a number of the system's.
        if compression is None or getattr(error, "errno", None) is not None:
            raise
        refuse(
            "bad-compression",
            f"{name}: the {compression} data is damaged or incomplete.",
            "Compress the file again and send all of it.",
        )
