"""Tests of stratified sampling: exact shares, every class, one seed, no bias."""

import tracemalloc
from fractions import Fraction

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from hokusai_assets.benchmarks.sampling import allocate, seed_sequence, stratified_positions

COUNTS = st.lists(st.integers(1, 60) | st.integers(1, 10**7), min_size=1, max_size=12)


@st.composite
def allocations(draw: st.DrawFn) -> tuple[list[int], int]:
    counts = draw(COUNTS)
    return counts, draw(st.integers(len(counts), sum(counts)))


def hamilton(counts: list[int], size: int) -> list[int]:
    """Largest remainders over rationals, then a row for each stratum that got none."""
    quotas = [Fraction(count * size, sum(counts)) for count in counts]
    given = [int(quota) for quota in quotas]
    by_remainder = sorted(range(len(counts)), key=lambda i: (given[i] - quotas[i], i))
    for i in by_remainder[: size - sum(given)]:
        given[i] += 1
    while 0 in given:
        given[given.index(max(given))] -= 1
        given[given.index(0)] = 1
    return given


@settings(deadline=None)
@given(allocations())
def test_allocation_is_hamiltons_over_rationals(case: tuple[list[int], int]) -> None:
    counts, size = case
    assert allocate(np.array(counts), size).tolist() == hamilton(counts, size)


@settings(deadline=None)
@given(allocations())
def test_allocation_is_exact_in_size_keeps_every_stratum_and_takes_no_row_twice(
    case: tuple[list[int], int],
) -> None:
    counts, size = case
    given = allocate(np.array(counts), size).tolist()
    assert sum(given) == size
    assert all(1 <= take <= count for take, count in zip(given, counts, strict=True))


@settings(deadline=None)
@given(allocations())
def test_a_share_is_its_quota_rounded_down_or_up_but_for_lifted_strata(
    case: tuple[list[int], int],
) -> None:
    counts, size = case
    quotas = [Fraction(count * size, sum(counts)) for count in counts]
    given = allocate(np.array(counts), size).tolist()
    lifted = sum(quota < 1 for quota in quotas)
    for take, quota in zip(given, quotas, strict=True):
        assert take <= max(1, -(-quota // 1))
        assert take >= quota // 1 - lifted


def test_allocation_by_known_examples() -> None:
    # Quotas .9, 1.6 and 2.5: the two seats left go to .9 and .6.
    assert allocate(np.array([9, 16, 25]), 5).tolist() == [1, 2, 2]
    # A quota of .01 is lifted to one row, which the largest stratum gives.
    assert allocate(np.array([1, 999]), 10).tolist() == [1, 9]
    assert allocate(np.array([1, 1, 1, 997]), 5).tolist() == [1, 1, 1, 2]
    assert allocate(np.array([5, 5]), 3).tolist() == [2, 1]


@pytest.mark.parametrize("size", [0, 2, 11])
def test_a_size_that_cannot_be_is_refused(size: int) -> None:
    with pytest.raises(ValueError, match=f"sample of {size} from 10 rows in 3 strata"):
        allocate(np.array([5, 4, 1]), size)


@settings(deadline=None)
@given(st.lists(st.sampled_from("abc"), min_size=3, max_size=60), st.data())
def test_positions_are_distinct_ascending_and_as_many_per_label_as_allocated(
    labels: list[str], data: st.DataObject
) -> None:
    array = np.array(labels, dtype=object)
    names, counts = np.unique(array, return_counts=True)
    size = data.draw(st.integers(len(names), len(labels)))
    chosen = stratified_positions(array, size, seed=data.draw(st.integers(0, 99)), purpose="p")
    assert len(chosen) == size and (np.diff(chosen) > 0).all()
    assert chosen[0] >= 0 and chosen[-1] < len(labels)
    taken = [int((array[chosen] == name).sum()) for name in names]
    assert taken == allocate(counts, size).tolist()


LABELS = np.array(["a"] * 40 + ["b"] * 20)


def test_the_same_seed_and_purpose_choose_the_same_rows_and_others_choose_others() -> None:
    def choose(seed: int, purpose: str) -> list[int]:
        return stratified_positions(LABELS, 12, seed=seed, purpose=purpose).tolist()

    assert choose(1, "test-sample") == choose(1, "test-sample")
    assert choose(1, "test-sample") != choose(2, "test-sample")
    assert choose(1, "test-sample") != choose(1, "train-sample")


def test_a_stream_is_seeded_by_the_seed_and_the_words_of_the_purposes_sha256() -> None:
    # SHA-256 of "abc", FIPS 180-2 appendix B.1. Another rule would redraw every sample.
    digest = bytes.fromhex("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
    words = [int.from_bytes(digest[at : at + 4], "big") for at in range(0, 32, 4)]
    expected = np.random.SeedSequence([7, *words])
    found = seed_sequence(7, "abc")
    assert found.generate_state(8).tolist() == expected.generate_state(8).tolist()


def test_every_row_of_a_stratum_is_equally_likely() -> None:
    drawn = np.zeros(len(LABELS))
    seeds = 1500
    for seed in range(seeds):
        drawn[stratified_positions(LABELS, 12, seed=seed, purpose="p")] += 1
    for members, take in ((slice(0, 40), 8), (slice(40, 60), 4)):
        count = drawn[members]
        assert count.sum() == seeds * take
        # Drawn without replacement, a row's count varies less than a multinomial's.
        share = take / len(count)
        statistic = ((count - seeds * share) ** 2 / (seeds * share * (1 - share))).sum()
        statistic *= (len(count) - 1) / len(count)
        assert 0.001 < stats.chi2.sf(statistic, len(count) - 1) < 0.999


@settings(deadline=None)
@given(st.integers(0, 2**32 - 1), st.text(max_size=8), st.text(max_size=8))
def test_streams_of_different_purposes_differ(seed: int, one: str, other: str) -> None:
    def start(purpose: str) -> list[int]:
        return np.random.default_rng(seed_sequence(seed, purpose)).integers(0, 2**62, 2).tolist()

    assert (start(one) == start(other)) == (one == other)


@settings(deadline=None)
@given(
    st.lists(st.sampled_from(["b", "a", "z", "\u00e4", "\U0001f600", "\uffff"]), min_size=6),
    st.data(),
)
def test_arrow_labels_choose_the_rows_that_numpy_labels_choose(
    labels: list[str], data: st.DataObject
) -> None:
    cut = data.draw(st.integers(0, len(labels)))
    size = data.draw(st.integers(len(set(labels)), len(labels)))
    chunked = pa.chunked_array([labels[:cut], labels[cut:]], pa.string())
    expected = stratified_positions(np.array(labels, object), size, seed=3, purpose="p")
    for given_labels in (chunked, pa.array(labels)):
        found = stratified_positions(given_labels, size, seed=3, purpose="p")
        assert found.tolist() == expected.tolist()


SKEWED = {"rare": 7, "common": 300, "some": 93}


def test_a_rows_chance_is_its_stratums_share_whatever_the_strata() -> None:
    names = list(SKEWED)
    labels = np.random.default_rng(0).permutation(np.repeat(names, list(SKEWED.values())))
    column, seeds, size = pa.array(labels.tolist()), 2_000, 80
    drawn = np.zeros(len(labels))
    for seed in range(seeds):
        drawn[stratified_positions(column, size, seed=seed, purpose="p")] += 1
    takes = dict(
        zip(
            sorted(names), allocate(np.array([SKEWED[n] for n in sorted(names)]), size), strict=True
        )
    )
    for name, rows in SKEWED.items():
        count, share = drawn[labels == name], takes[name] / rows
        # Drawn without replacement, a row's count varies less than a multinomial's.
        statistic = ((count - seeds * share) ** 2 / (seeds * share * (1 - share))).sum()
        p_value = stats.chi2.sf(statistic * (rows - 1) / rows, rows - 1)
        assert 0.001 < p_value < 0.999, name


def test_a_metric_on_samples_is_on_average_that_of_all_rows() -> None:
    stream = np.random.default_rng(1)
    labels = np.repeat(list("abc"), [500, 300, 200])
    right = stream.random(1_000) < np.repeat([0.9, 0.6, 0.3], [500, 300, 200])
    column = pa.array(labels.tolist())
    means = [
        right[stratified_positions(column, 100, seed=seed, purpose="p")].mean()
        for seed in range(2_000)
    ]
    # The shares are whole rows here, so that the sample's accuracy is unbiased.
    error = np.std(means, ddof=1) / np.sqrt(len(means))
    assert abs(np.mean(means) - right.mean()) < 3.3 * error
    # Strata take their part out of the scatter: rows drawn without them have more.
    assert np.std(means, ddof=1) < np.sqrt(right.mean() * (1 - right.mean()) / 100 * 0.9)


def test_a_sample_of_many_rows_is_drawn_without_a_second_copy_of_them() -> None:
    rows = 300_000
    column = pa.array(["a long label of the first class", "another"]).take(
        pa.array(np.arange(rows) % 3 == 0).cast(pa.int64())
    )
    before = pa.total_allocated_bytes()
    tracemalloc.start()
    try:
        stratified_positions(column, rows // 3, seed=1, purpose="p")
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    # A code, and of the larger stratum a position and its place in the draw: no string.
    assert peak < 32 * rows
    assert pa.total_allocated_bytes() == before
