"""Exact rounding of metric values to integers: parts per million and basis points.

One unit of a metric is 1,000,000 ppm and 10,000 basis points (bps), so 100 ppm are 1 bps.
A float is taken as the exact binary number it is, never as its printed decimal.
"""

from fractions import Fraction

PPM = 1_000_000
PPM_PER_BPS = 100

# Differences of floats carry noise near 1e-16: without a snap to 1e-12 a bound of exactly
# 0.01 may floor to 9,999 ppm.
_SNAP = 10**12


def to_ppm(value: Fraction | float) -> int:
    """Return value in ppm, the exact value rounded half to even.

    Raises:
        ValueError, OverflowError: value is NaN or infinite.
    """
    return round(Fraction(value) * PPM)


def floor_to_ppm(value: float) -> int:
    """Return the greatest ppm not above value, value first rounded to 1e-12.

    Raises:
        ValueError, OverflowError: value is NaN or infinite.
    """
    return round(Fraction(value) * _SNAP) // (_SNAP // PPM)


def ceil_to_ppm(value: float) -> int:
    """Return the least ppm not below value, value first rounded to 1e-12.

    Raises:
        ValueError, OverflowError: value is NaN or infinite.
    """
    return -floor_to_ppm(-value)


def interval_to_ppm(low: float, high: float, *, within: tuple[float, float]) -> tuple[int, int]:
    """Return the interval of a metric's difference in ppm, rounded outward.

    Args:
        low, high: its ends, in the metric's unit.
        within: least and greatest value of the metric; no end is beyond what two values of it
            can differ by. They may be infinite.

    Raises:
        ValueError, OverflowError: an end is NaN, or infinite after that.
    """
    span = within[1] - within[0]
    return floor_to_ppm(max(low, -span)), ceil_to_ppm(min(high, span))


def ppm_to_bps(ppm: int) -> int:
    """Return ppm in basis points, rounded half to even."""
    return round(Fraction(ppm, PPM_PER_BPS))


def floor_ppm_to_bps(ppm: int) -> int:
    """Return the greatest whole number of basis points not above ppm."""
    return ppm // PPM_PER_BPS
