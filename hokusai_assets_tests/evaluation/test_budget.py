"""The budget of a test set: the level each look gets, and the gain that is seen at it."""

import re
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from hokusai_assets.evaluation.budget import allotted_confidence_ppm, detectable_gain

EVALUATION = Path(__file__).resolve().parents[2] / "docs" / "EVALUATION.md"


@pytest.mark.parametrize(
    ("confidence", "submissions", "ppm"),
    [
        ("0.95", 1, 950_000),
        ("0.95", 3, 983_334),  # a third of 50,000 ppm is 16,666 and two thirds
        ("0.95", 20, 997_500),
        ("0.95", 100, 999_500),
        ("0.95", 10_000, 999_995),
        ("0.95", 50_000, 999_999),
        ("0.99", 7, 998_572),
        ("0.999999", 1, 999_999),
    ],
)
def test_each_look_gets_its_part_of_the_error_in_whole_ppm(
    confidence: str, submissions: int, ppm: int
):
    assert allotted_confidence_ppm(Decimal(confidence), submissions) == ppm


@given(st.integers(1, 499_999), st.integers(1, 60_000))
def test_all_looks_together_never_have_more_error_than_was_registered(error: int, looks: int):
    confidence = Decimal(1_000_000 - error) / 1_000_000
    if looks > error:
        with pytest.raises(ValueError, match="less than"):
            allotted_confidence_ppm(confidence, looks)
        return
    spent = looks * (1_000_000 - allotted_confidence_ppm(confidence, looks))
    assert error - looks < spent <= error


def test_less_than_a_millionth_for_each_is_refused_with_both_numbers():
    with pytest.raises(ValueError, match=r"50,001 submissions at a confidence of 0\.95"):
        allotted_confidence_ppm(Decimal("0.95"), 50_001)


@pytest.mark.parametrize(("rows", "discordant"), [(1_000, 0.05), (2_000, 0.2), (10_000, 0.1)])
@pytest.mark.parametrize(("submissions", "power"), [(1, 0.8), (100, 0.8), (10_000, 0.5)])
def test_the_detectable_gain_is_seen_as_often_as_it_says(
    rows: int, discordant: float, submissions: int, power: float
):
    gain = detectable_gain(rows=rows, discordant=discordant, submissions=submissions, power=power)
    won, lost = (discordant + gain) / 2, (discordant - gain) / 2
    stream = np.random.default_rng(rows + submissions)
    wins, losses, _ = stream.multinomial(rows, [won, lost, 1 - won - lost], size=20_000).T
    measured = (wins - losses) / rows
    error = np.sqrt(((wins + losses) / rows - measured**2) / rows)
    seen = measured > stats.norm.isf(0.05 / submissions / 2) * error
    # The normal approximation is off by a few hundredths where only 50 rows differ.
    assert np.mean(seen) == pytest.approx(power, abs=0.04)


@given(
    st.integers(10, 10**6),
    st.floats(0.001, 1),
    st.sampled_from([1, 20, 100, 50_000]),
    st.floats(0.05, 0.99),
)
def test_the_detectable_gain_solves_the_equation_it_is_defined_by(
    rows: int, discordant: float, submissions: int, power: float
):
    gain = detectable_gain(rows=rows, discordant=discordant, submissions=submissions, power=power)
    half = (1_000_000 - allotted_confidence_ppm(0.95, submissions)) / 2_000_000
    quantiles = stats.norm.isf(half) + stats.norm.ppf(power)
    if gain == discordant:
        # Even if every differing row is won, sd is at its least and the gain may be too small.
        assert quantiles**2 * (1 - discordant) >= rows * discordant * (1 - 1e-9)
        return
    deviation = np.sqrt((discordant - gain**2) / rows)
    assert gain == pytest.approx(quantiles * deviation, rel=1e-6)


def test_more_looks_cost_detectable_gain_and_more_rows_buy_it_back():
    gains = [
        detectable_gain(rows=rows, discordant=0.1, submissions=submissions)
        for rows, submissions in [(2_000, 1), (2_000, 100), (2_000, 10_000)]
    ]
    assert gains == sorted(gains)
    assert detectable_gain(rows=8_000, discordant=0.1, submissions=10_000) < gains[2]


def documented_gains() -> list[tuple[int, int, int]]:
    """Return (rows, K, basis points) of every cell of the table for operators."""
    section = EVALUATION.read_text(encoding="utf-8").partition("\n## Detectable gains\n")[2]
    table = re.findall(r"^\| (?=rows|[\d,]+ \|).*\|$", section.partition("\n## ")[0], re.MULTILINE)
    header, *lines = [[cell.strip() for cell in line.strip("|").split("|")] for line in table[:6]]
    looks = [int(cell.removeprefix("K = ").replace(",", "")) for cell in header[1:]]
    return [
        (int(line[0].replace(",", "")), submissions, int(cell))
        for line in lines
        for submissions, cell in zip(looks, line[1:], strict=True)
    ]


def test_the_documented_table_of_detectable_gains_is_what_the_formula_says():
    cells = documented_gains()
    assert len(cells) == 25
    assert {rows for rows, _, _ in cells} == {1_000, 5_000, 10_000, 100_000, 1_000_000}
    assert {looks for _, looks, _ in cells} == {1, 10, 100, 1_000, 10_000}
    for rows, submissions, bps in cells:
        gain = detectable_gain(rows=rows, discordant=0.1, submissions=submissions)
        assert bps == round(gain * 10_000), (rows, submissions)
