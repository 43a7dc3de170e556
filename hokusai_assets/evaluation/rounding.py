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


def ppm_to_bps(ppm: int) -> int:
    """Return ppm in basis points, rounded half to even."""
    return round(Fraction(ppm, PPM_PER_BPS))


def floor_ppm_to_bps(ppm: int) -> int:
    """Return the greatest whole number of basis points not above ppm."""
    return ppm // PPM_PER_BPS
