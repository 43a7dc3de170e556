"""What the lines of a settlement ledger say."""

from typing import Annotated

from pydantic import ConfigDict, Field, TypeAdapter
from pydantic.dataclasses import dataclass

from hokusai_assets.canonical.canonical_json import canonical_bytes

Count = Annotated[int, Field(ge=0)]
Positive = Annotated[int, Field(ge=1)]
# Strict: a line with a text for a number, or a key too much, was not written here.
_EXACT = ConfigDict(extra="forbid", strict=True)


@dataclass(frozen=True, config=_EXACT)
class Budget:
    """How often a test set may decide, as registered before its first look.

    Attributes:
        test_root: the whole test set's Merkle root (hex): what wears out.
        deciding_root: the root of the part of it that decides.
        test_file: SHA-256 (hex) of the file it was read from. Another choice of its rows or
            columns is the same test set still; "" where there is no file.
        confidence_ppm: of all decisions together.
        submissions: looks there are.
    """

    test_root: str
    deciding_root: str
    confidence_ppm: Positive
    submissions: Positive
    test_file: str = ""


@dataclass(frozen=True, config=_EXACT)
class Settled:
    """One contribution's settlement.

    Attributes:
        test_root: the test set looked at.
        version: the benchmark's content digest: spec, base set and test set.
        key, rows_root: the contribution and its rows' Merkle root (hex).
        position: which look at the test set it was, from 1.
        accepted: whether it joined the accepted model.
        bps, payable_bps: its gain over the accepted model, and what is paid of it; both 0
            where it was not accepted (see `Settlement.entry`).
    """

    test_root: str
    version: str
    key: str
    rows_root: str
    position: Positive
    accepted: bool
    bps: int
    payable_bps: Count


@dataclass(frozen=True, config=_EXACT)
class Promoted:
    """A version of the benchmark was replaced by one whose base set holds contributions.

    Attributes:
        test_root: the test set, which stays.
        version: the content digest of the version that ends.
        to_version: that of the version that takes its place.
        keys: the contributions whose rows joined the base set, in order of their acceptance.
    """

    test_root: str
    version: str
    to_version: str
    keys: tuple[str, ...]


Entry = Budget | Settled | Promoted

KINDS: dict[str, type[Entry]] = {
    "registered": Budget,
    "settled": Settled,
    "promoted": Promoted,
}
_READERS = {kind: TypeAdapter(entry) for kind, entry in KINDS.items()}


def entry_of_document(document: dict[str, object]) -> Entry:
    """Return the entry that a line's document holds, without its ``previous``.

    Raises:
        LookupError, ValueError, TypeError: it is none in its exact form.
    """
    kind = document.pop("kind")
    entry: Entry = _READERS[str(kind)].validate_json(canonical_bytes(document))
    return entry
