"""A model in a folder answers as it was measured, and loads nothing that nobody trusts."""

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from hokusai_assets.evaluation.predictions import round_scores
from hokusai_assets.evaluation.served_model import (
    DamagedModel,
    ServedModel,
    _load_pyfunc,
    output_columns,
    read_served_model,
    write_served_model,
)
from hokusai_assets.models.persistence import UntrustedModel, model_bytes
from hokusai_assets.privacy.keys import PrivacyKey
from hokusai_assets.privacy.tokens import token

FRAME = pd.DataFrame({"a": [0.0, 1.0, 2.0, 5.0], "b": [1.0, 0.0, 3.0, 1.0]})
LABELS = ("bad", "good", "unseen")


def fitted(strength: float) -> LogisticRegression:
    return LogisticRegression(C=strength).fit(FRAME, ["good", "bad", "good", "bad"])


def test_scores_are_those_of_the_pipeline_rounded_and_an_unseen_label_has_none(tmp_path):
    write_served_model(tmp_path, [model_bytes(fitted(1.0))], labels=LABELS, features=["a", "b"])
    # Columns in another order, and one too many.
    answer = read_served_model(tmp_path).predict(FRAME[["b", "a"]].assign(c=1))
    expected = round_scores(fitted(1.0).predict_proba(FRAME))
    assert list(answer) == ["predicted", "score.bad", "score.good", "score.unseen"]
    np.testing.assert_array_equal(answer[["score.bad", "score.good"]].to_numpy(), expected)
    assert (answer["score.unseen"] == 0).all()
    assert list(answer["predicted"]) == list(fitted(1.0).predict(FRAME))


def test_each_replica_answers_for_itself(tmp_path):
    files = [model_bytes(fitted(strength)) for strength in (1.0, 50.0)]
    write_served_model(tmp_path, files, labels=LABELS, features=["a", "b"])
    answer = read_served_model(tmp_path).predict(FRAME)
    assert list(answer) == output_columns(LABELS, 2)
    second = round_scores(fitted(50.0).predict_proba(FRAME))
    np.testing.assert_array_equal(answer[["score.2.bad", "score.2.good"]].to_numpy(), second)
    assert not np.array_equal(answer["score.1.good"], answer["score.2.good"])


def test_keyed_tokens_are_met_as_the_type_that_was_trained_on():
    reduced = pd.DataFrame({"text": ["call <PHONE> now", "mail <EMAIL>", "lunch", None]})
    pipeline = make_pipeline(
        ColumnTransformer([("words", CountVectorizer(), "text")]), LogisticRegression()
    ).fit(reduced.fillna(""), ["bad", "good", "good", "bad"])
    model = ServedModel((pipeline,), ("bad", "good"), ("text",))
    key = PrivacyKey.from_secret(b"a key of the tests, of 32 bytes.")
    keyed = pd.DataFrame(
        {
            "text": [
                f"call {token('PHONE', '+15550100', key)} now",
                f"mail {token('EMAIL', 'a@example.org', key)}",
                "lunch",
                "",
            ]
        }
    )
    assert not keyed.equals(reduced)
    pd.testing.assert_frame_equal(model.predict(keyed), model.predict(reduced.fillna("")))


def test_a_changed_archive_is_refused(tmp_path):
    write_served_model(tmp_path, [model_bytes(fitted(1.0))], labels=LABELS, features=["a", "b"])
    (tmp_path / "model-1.skops").write_bytes(model_bytes(fitted(2.0)))
    with pytest.raises(DamagedModel):
        read_served_model(tmp_path)


def test_a_type_is_trusted_by_who_loads_and_never_by_the_folder(tmp_path):
    from sklearn.preprocessing import FunctionTransformer

    foreign = FunctionTransformer(func=pd.DataFrame.abs)
    write_served_model(tmp_path, [model_bytes(foreign)], labels=LABELS, features=["a", "b"])
    with pytest.raises(UntrustedModel, match="model_config"):
        _load_pyfunc(str(tmp_path))
