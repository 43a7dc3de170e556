"""How often a test set may decide, and how sure each decision must be for that.

A test set that decides about K contributions has K chances to be wrong. Each is therefore judged
at the K-th part of the error that all of them together may have (Bonferroni; Dunn, "Multiple
Comparisons among Means", JASA 56, 1961). K is registered before the first look and does not
change: raising it later would spend what is already spent.
"""

import math
from decimal import Decimal

from hokusai_assets.evaluation.intervals import confidence_to_ppm
from hokusai_assets.evaluation.rounding import PPM


def allotted_confidence_ppm(confidence: Decimal | float, submissions: int) -> int:
    """Return the confidence, in ppm, of the interval that decides about one of K submissions.

    ``1 - (1 - confidence) / K``, the error rounded down to a whole ppm.

    Args:
        confidence: of all K together, in (0, 1).
        submissions: K, >= 1.

    Raises:
        ValueError: less than one ppm of error is left for each.
    """
    error = (PPM - confidence_to_ppm(confidence)) // submissions
    if error < 1:
        raise ValueError(
            f"{submissions:,} submissions at a confidence of {confidence} leave each less than "
            "a millionth"
        )
    return PPM - error


def detectable_gain(
    *, rows: int, discordant: float, submissions: int, confidence: float = 0.95, power: float = 0.8
) -> float:
    """Return the least gain in accuracy that is accepted with a given power.

    The paired difference of two accuracies g on n rows, of which a share d is classified
    rightly by one model only, has the variance ``(d - g**2) / n`` (McNemar 1947; Connor,
    "Sample Size for Testing Differences in Proportions for the Paired-Sample Design",
    Biometrics 43, 1987). The least g with ``g = (z(1 - alpha / 2K) + z(power)) * sd(g)`` has the
    closed form ``sqrt(d * c / (n + c))``, c the square of the sum of the two quantiles.

    Args:
        rows: n, test rows that decide.
        discordant: d in (0, 1].
        submissions: K.
        confidence: of all K together.
        power: chance that the gain is seen.

    Returns:
        the gain as a share; at most d, since no more rows can be won.
    """
    from scipy import stats  # late: over a second, and every process loads this module

    error = (PPM - allotted_confidence_ppm(confidence, submissions)) / PPM
    needed = float(stats.norm.isf(error / 2) + stats.norm.ppf(power)) ** 2
    return min(discordant, math.sqrt(discordant * needed / (rows + needed)))
