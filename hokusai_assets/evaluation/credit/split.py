"""Dividing a whole amount among contributors by weights, to the last unit."""

from collections.abc import Mapping

TOTAL_BASIS_POINTS = 10_000


def split_by_weights(amount: int, weights_bps: Mapping[str, int]) -> dict[str, int]:
    """Divide a whole amount in proportion to weights; the parts sum to it exactly.

    Hamilton's largest-remainder rule on exact integers: everyone gets the whole part of their
    share, towards zero; the units left over go to the largest remainders, ties to the smaller id.
    A negative amount is divided as its positive and then negated, so a loss and a gain of the same
    size split alike. Nothing depends on the order of the weights.

    Args:
        amount: in any unit, of any sign.
        weights_bps: by contributor id, weights from 0 on that sum to 10,000.

    Returns:
        Parts by id, in the order given; each within one unit of its exact share, none of the
        other sign.

    Raises:
        ValueError: a weight is negative, or they do not sum to 10,000.
    """
    total = sum(weights_bps.values())
    if min(weights_bps.values(), default=0) < 0 or total != TOTAL_BASIS_POINTS:
        raise ValueError(
            f"weights are at least 0 and sum to {TOTAL_BASIS_POINTS}, got {dict(weights_bps)}"
        )
    sign = -1 if amount < 0 else 1
    shares = {who: abs(amount) * weight for who, weight in weights_bps.items()}
    parts = {who: share // TOTAL_BASIS_POINTS for who, share in shares.items()}
    left_over = abs(amount) - sum(parts.values())
    first = sorted(shares, key=lambda who: (-(shares[who] % TOTAL_BASIS_POINTS), who))
    for who in first[:left_over]:
        parts[who] += 1
    return {who: sign * part for who, part in parts.items()}
