"""What the recognisers find in one text, for tests."""

from collections.abc import Sequence

from hokusai_assets.privacy.recognisers import default_recognisers
from hokusai_assets.privacy.recognition import Recogniser
from hokusai_assets.privacy.spans import Finding, dissect

RECOGNISERS = default_recognisers()


def found(text: str, recognisers: Sequence[Recogniser] = RECOGNISERS) -> list[tuple[str, str]]:
    """Return entity and canonical spelling of each value, in order."""
    pieces = dissect(text, recognisers, lambda _: True) or []
    return [(piece.entity, piece.canonical) for piece in pieces if isinstance(piece, Finding)]
