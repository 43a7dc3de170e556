"""What training adds to a delta's error where both models are trained k times, in pairs.

A pair shares its seed; the k deltas scatter by what the seeds did. Their mean has two errors
that are independent of each other: the test rows are a sample, and the k trainings are.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from hokusai_assets.evaluation.rounding import PPM
from hokusai_assets.evaluation.sampling_error import SamplingError

# Far below one ppm and far above the noise of floats.
_NOISE = 1e-12


@dataclass(frozen=True)
class TrainingNoise:
    """The scatter of k >= 2 paired deltas.

    Attributes:
        replicas: k.
        error: standard error of their mean, ``s / sqrt(k)``, s**2 the sample variance.
    """

    replicas: int
    error: float

    @classmethod
    def of(cls, deltas: Sequence[Fraction | float]) -> "TrainingNoise":
        """Take the scatter of k deltas; exact until the last step where they are exact.

        Raises:
            ValueError: there are fewer than two.
        """
        count = len(deltas)
        if count < 2:
            raise ValueError(f"the scatter of {count} delta can't be told")
        exact = [Fraction(delta) for delta in deltas]
        mean = sum(exact, Fraction(0)) / count
        squares = sum(((delta - mean) ** 2 for delta in exact), Fraction(0))
        return cls(count, math.sqrt(squares / ((count - 1) * count)))


def with_training_noise(
    sampled: SamplingError, noise: TrainingNoise, delta: float, *, confidence_ppm: int
) -> SamplingError:
    """Return the interval and test of a mean delta, both errors taken together.

    The interval is recovered from the two separate ones (MOVER: Zou & Donner, "Construction
    of confidence limits about effect measures", Statistics in Medicine 27, 2008):
    ``low = delta - sqrt((delta - low_test)**2 + (t * s / sqrt(k))**2)``, t the upper alpha / 2
    point of Student's t with k - 1 degrees of freedom; high alike. The test is a two-sided t
    test of delta over ``sqrt(error_test**2 + s**2 / k)``, with Welch and Satterthwaite's
    degrees of freedom where the test part counts as known: ``(k - 1) * (1 + k * error_test**2
    / s**2)**2`` (Welch, Biometrika 34, 1947). Its p-value is never below that of the sampling of
    test rows alone.

    Args:
        sampled: interval, test and error from the sampling of test rows.
        noise: the scatter of the k deltas whose mean is delta.
        delta: in the metric's unit.
        confidence_ppm: of both intervals, in 1..999,999.
    """
    from scipy import special  # late: every process loads this module

    # stdtrit's lower tail: 1 - alpha / 2 would lose digits.
    t = -float(special.stdtrit(noise.replicas - 1, (PPM - confidence_ppm) / PPM / 2))
    reach = t * noise.error
    # A percentile may pass the delta; an end must not come nearer to it by being combined.
    below, above = max(0.0, delta - sampled.low), max(0.0, sampled.high - delta)
    return SamplingError(
        low=min(sampled.low, delta - math.hypot(below, reach)),
        high=max(sampled.high, delta + math.hypot(above, reach)),
        error=sampled.error,
        # With normal parts Welch's is the larger; a swap test may see less than the errors tell.
        p_value=max(sampled.p_value, _welch(sampled.error, noise, delta)),
        interval_method=f"{sampled.interval_method}_mover",
        p_value_method="welch_t",
    )


def _welch(error: float, noise: TrainingNoise, delta: float) -> float:
    from scipy import special  # late, as above

    combined = math.hypot(error, noise.error)
    if combined < _NOISE:
        return 1.0 if abs(delta) < _NOISE else 0.0
    statistic = -abs(delta) / combined
    if noise.error < _NOISE:
        return float(2 * special.ndtr(statistic))
    freedom = (noise.replicas - 1) * (combined / noise.error) ** 4
    return float(2 * special.stdtr(freedom, statistic))
