"""What the lines of a settlement ledger say."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Budget:
    """How often a test set may decide, as registered before its first look.

    Attributes:
        test_root: the whole test set's Merkle root (hex): what wears out.
        deciding_root: the root of the part of it that decides.
        confidence_ppm: of all decisions together.
        submissions: looks there are.
    """

    test_root: str
    deciding_root: str
    confidence_ppm: int
    submissions: int


@dataclass(frozen=True)
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
    position: int
    accepted: bool
    bps: int
    payable_bps: int


@dataclass(frozen=True)
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

    def __post_init__(self) -> None:
        """Take the list that JSON has."""
        object.__setattr__(self, "keys", tuple(self.keys))


Entry = Budget | Settled | Promoted

KINDS: dict[str, type[Entry]] = {
    "registered": Budget,
    "settled": Settled,
    "promoted": Promoted,
}
