"""The preview: near the measured delta, from real training, and never from the test set."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from hokusai_assets.benchmarks.loading import Benchmark
from hokusai_assets.evaluation import preview as module
from hokusai_assets.evaluation.preview import NoPreview, preview
from hokusai_assets.privacy.keys import PrivacyKey
from hokusai_assets_tests.contributions.leakage.simulated_files import bundled_contributions


@pytest.fixture(scope="module")
def sms(bundled: Callable[[str], Benchmark]) -> Benchmark:
    return bundled("sms-spam")


@pytest.fixture(scope="module")
def honest(sms: Benchmark, privacy_key: PrivacyKey) -> pa.Table:
    tables = bundled_contributions(sms, privacy_key)
    return tables["batch-01.csv"].select(sms.base.table.column_names)


def test_an_honest_file_is_previewed_as_a_gain(sms: Benchmark, honest: pa.Table) -> None:
    found = preview(sms.base.table, honest, sms.spec)
    assert list(found.deltas) == list(sms.spec.metrics.names)
    assert (found.base_rows, found.folds) == (sms.base.count, 5)
    primary = found.deltas["f1"]
    # Measured on the test set: +560 basis points, 340 to 840 (data/README.md).
    assert 0 < primary.delta_ppm < 200_000
    assert primary.low_ppm <= primary.delta_ppm <= primary.high_ppm


def test_flipped_labels_are_previewed_as_a_loss(sms: Benchmark, honest: pa.Table) -> None:
    turned = ["bad" if label == "good" else "good" for label in honest["label"].to_pylist()]
    position = honest.column_names.index("label")
    flipped = honest.set_column(position, "label", pa.array(turned))
    assert preview(sms.base.table, flipped, sms.spec).deltas["f1"].high_ppm < 0


def test_the_same_rows_give_the_same_preview(sms: Benchmark, honest: pa.Table) -> None:
    assert preview(sms.base.table, honest, sms.spec) == preview(sms.base.table, honest, sms.spec)


def test_large_sets_are_sampled(
    sms: Benchmark, honest: pa.Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_ROWS", 120)
    found = preview(sms.base.table, honest, sms.spec)
    assert (found.base_rows, found.contributed_rows) == (120, 120)


def test_without_new_rows_or_with_a_lonely_label_there_is_no_preview(
    sms: Benchmark, honest: pa.Table
) -> None:
    with pytest.raises(NoPreview, match="no new rows"):
        preview(sms.base.table, honest.slice(0, 0), sms.spec)
    labels = np.array(sms.base.table["label"].to_pylist())
    kept = np.append(np.flatnonzero(labels == "good"), np.flatnonzero(labels == "bad")[:1])
    lonely = replace(sms.base, table=sms.base.table.take(pa.array(np.sort(kept))))
    with pytest.raises(NoPreview, match="fewer than two rows"):
        preview(lonely.table, honest, sms.spec)
