"""What the recognisers find in one text, for tests."""

from collections.abc import Sequence

import pyarrow as pa

from hokusai_assets.privacy.recognisers import default_recognisers
from hokusai_assets.privacy.recognition import Recogniser
from hokusai_assets.privacy.spans import Finding, dissect, dissect_all
from hokusai_assets.privacy.triggers import Triggers

RECOGNISERS = default_recognisers()


def found(text: str, recognisers: Sequence[Recogniser] = RECOGNISERS) -> list[tuple[str, str]]:
    """Return entity and canonical spelling of each value, in order.

    Found in the text alone, and as a cell that the triggers must have marked.
    """
    pieces = dissect(text, recognisers, lambda _: True) or []
    hits = Triggers(tuple(recognisers)).hits(pa.chunked_array([pa.array([text], pa.string())]))
    by_triggers = list(dissect_all(hits.texts, recognisers, lambda _: True, hits.relevant))
    assert pieces == ((by_triggers or [[]])[0] or [])
    return [(piece.entity, piece.canonical) for piece in pieces if isinstance(piece, Finding)]
