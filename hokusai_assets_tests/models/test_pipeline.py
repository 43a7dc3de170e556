"""The pipeline: what each column type becomes, missing cells included, tokens without their key."""

import numpy as np
import pyarrow as pa
import pytest

from hokusai_assets.benchmarks.spec import SpecError
from hokusai_assets.models.pipeline import build_pipeline, feature_frame
from hokusai_assets.models.training import predict_probabilities, train
from hokusai_assets.privacy.keys import PrivacyKey
from hokusai_assets.privacy.tokens import token
from hokusai_assets_tests.models.small_benchmark import TABULAR, TEXTUAL, rows_of, spec_of


def test_each_column_type_becomes_its_frame_column() -> None:
    table = pa.table(
        {
            "amount": pa.array([1.5, None]),
            "count": pa.array([2**60, None]),
            "kind": pa.array(["u", None]),
            "open": pa.array([True, None]),
            "sent": pa.array([1_500_000, None], pa.timestamp("us", "UTC")),
            "note": pa.array(["hello", None]),
        }
    )
    frame = feature_frame(table, spec_of("random_forest", TABULAR | TEXTUAL))
    assert list(frame.columns) == ["amount", "count", "kind", "note", "open", "sent"]
    assert frame.iloc[0].tolist() == [1.5, float(2**60), "u", "hello", 1.0, 1.5]
    assert frame["note"][1] == ""
    assert frame.drop(columns="note").iloc[1].isna().all()


def test_dropped_columns_do_not_reach_the_model() -> None:
    columns = TABULAR | {"count": {"type": "integer", "pii": "drop"}}
    frame = feature_frame(rows_of(5, 0).drop_columns(["count"]), spec_of("sgd", columns))
    assert "count" not in frame.columns


def test_models_see_a_tokens_type_alone() -> None:
    spec = spec_of("logistic_regression", TEXTUAL)
    frames = [
        feature_frame(
            pa.table({"kind": ["u"], "note": [f"mail {token('EMAIL', 'a@b.de', key)} now"]}), spec
        )
        for key in (PrivacyKey.from_secret(b"1" * 32), PrivacyKey.from_secret(b"2" * 32))
    ]
    assert [frame["note"][0] for frame in frames] == ["mail <EMAIL> now"] * 2


def test_a_column_of_numbers_that_was_hashed_is_told_with_the_remedy() -> None:
    table = rows_of(5, 0).set_column(1, "count", pa.array(["<PHONE>"] * 5))
    with pytest.raises(SpecError, match=r"columns\.count: found personal data.*not_pii"):
        feature_frame(table, spec_of("sgd", TABULAR))


@pytest.mark.parametrize("name", sorted(TABULAR))
def test_a_column_without_a_single_value_can_be_trained_on(name: str) -> None:
    table = rows_of(60, 0)
    position = table.column_names.index(name)
    empty = pa.nulls(60, table.schema.field(name).type)
    spec = spec_of("logistic_regression", {name: TABULAR[name], "amount": {"type": "number"}})
    model = train(table.set_column(position, name, empty), spec)
    scores = predict_probabilities(model, rows_of(20, 1), spec)
    assert np.isfinite(scores).all()


def test_unknown_categories_and_all_cells_missing_can_be_predicted() -> None:
    spec = spec_of("logistic_regression", TABULAR)
    model = train(rows_of(60, 0), spec)
    table = rows_of(3, 1)
    position = table.column_names.index("kind")
    strange = table.set_column(position, "kind", pa.array(["never seen"] * 3))
    nulls = [pa.nulls(3, field.type) for field in table.schema]
    empty = pa.Table.from_arrays(nulls, schema=table.schema)
    for rows in (strange, empty):
        assert predict_probabilities(model, rows, spec).sum(axis=1) == pytest.approx(1)


def test_missing_is_a_category_of_its_own() -> None:
    spec = spec_of("logistic_regression", {"kind": {"type": "category"}})
    label = ["a", "b", "c"] * 30
    kind = [None if name == "a" else name for name in label]
    model = train(pa.table({"kind": pa.array(kind, pa.string()), "label": label}), spec)
    scores = predict_probabilities(model, pa.table({"kind": pa.array([None], pa.string())}), spec)
    assert scores.argmax() == 0
    assert scores[0, 0] > 0.8


def test_text_without_a_usable_word_is_told() -> None:
    spec = spec_of("logistic_regression", {"note": {"type": "text"}})
    table = pa.table({"note": ["", " "] * 10, "label": ["a", "b"] * 10})
    with pytest.raises(SpecError, match="can't be fitted to 20 rows: empty vocabulary"):
        train(table, spec)


def test_text_settings_reach_the_features() -> None:
    text = {"word_ngrams": [1, 1], "char_ngrams": None, "min_df": 1, "max_features": 3}
    spec = spec_of("sgd", TEXTUAL)
    spec = spec.model_copy(
        update={
            "model": spec.model.model_validate({"estimator": "sgd", "text": text}),
        }
    )
    pipeline = build_pipeline(spec)
    pipeline.fit(feature_frame(rows_of(40, 0), spec), ["a", "b"] * 20)
    names = pipeline.named_steps["features"].get_feature_names_out()
    assert sum(name.startswith("text:note") for name in names) == 3
