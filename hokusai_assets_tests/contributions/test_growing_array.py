"""An array that grows batch by batch."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hokusai_assets.contributions import growing_array
from hokusai_assets.contributions.growing_array import GrowingArray


@given(st.lists(st.lists(st.integers(0, 2**64 - 1), max_size=9)), st.integers(1, 5))
def test_it_gives_all_items_in_order_however_they_came(batches: list[list[int]], block: int):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(growing_array, "_BLOCK_BYTES", 8 * block)
        array = GrowingArray(np.uint64)
        for batch in batches:
            array.extend(np.array(batch, np.uint64))
        whole = [item for batch in batches for item in batch]
        assert len(array) == len(whole)
        assert array.take().tolist() == whole


def test_what_was_taken_is_held_no_more_and_it_can_grow_anew():
    array = GrowingArray(np.int16)
    array.extend(np.arange(5))
    taken = array.take()
    assert (taken.dtype, len(array), array.take().tolist()) == (np.int16, 0, [])
    array.extend(np.array([7]))
    assert array.take().tolist() == [7]
