"""The scikit-learn pipeline of a benchmark: features by column type, then the estimator."""

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from hokusai_assets.benchmarks.sampling import seed_sequence
from hokusai_assets.benchmarks.spec import BenchmarkSpec, SpecError
from hokusai_assets.models.estimators import DENSE_ONLY, build_estimator
from hokusai_assets.privacy.tokens import reduce_table

if TYPE_CHECKING:
    import pandas as pd
    from sklearn.pipeline import Pipeline

_NUMERIC = ("integer", "number", "datetime", "boolean")


def build_pipeline(spec: BenchmarkSpec, *, replica: int = 0) -> "Pipeline":
    """Return the unfitted pipeline for frames made by `feature_frame`.

    Numbers, whole numbers, dates (seconds since 1970) and booleans (0/1): median imputation and
    standard scaling. Categories: missing as a category of its own, one-hot, unknown ones as
    zeros. Text: TF-IDF over word and character n-grams, one block per column.

    Raises:
        SpecError: a parameter is wrong, or the estimator takes no such features.
    """
    from sklearn.compose import ColumnTransformer
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import Pipeline, make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    names = spec.feature_names
    numeric = [n for n in names if spec.columns[n].type in _NUMERIC]
    categories = [n for n in names if spec.columns[n].type == "category"]
    texts = [n for n in names if spec.columns[n].type == "text"]
    purpose = f"train replica {replica}" if replica else "train"
    seed = int(seed_sequence(spec.seed, purpose).generate_state(1)[0])
    estimator = build_estimator(spec.model, seed=seed, numeric_features=bool(numeric))
    dense = spec.model.estimator in DENSE_ONLY or (
        spec.model.estimator == "naive_bayes" and bool(numeric)
    )
    if dense and texts:
        raise SpecError(
            f"model.estimator: {spec.model.estimator} can't take the text columns {texts} "
            "(their features are sparse); use logistic_regression, sgd, random_forest, "
            "linear_svm, or naive_bayes with text and categories only"
        )
    blocks: list[tuple[str, Any, Any]] = []
    if numeric:
        scale = make_pipeline(
            SimpleImputer(strategy="median", keep_empty_features=True), StandardScaler()
        )
        blocks.append(("numeric", scale, numeric))
    if categories:
        encode = make_pipeline(
            SimpleImputer(strategy="constant", fill_value="(missing)", keep_empty_features=True),
            OneHotEncoder(handle_unknown="ignore"),
        )
        blocks.append(("category", encode, categories))
    for name in texts:
        blocks.append((f"text:{name}", _text_features(spec), name))
    features = ColumnTransformer(blocks, sparse_threshold=0.0 if dense else 0.3)
    return Pipeline([("features", features), ("estimator", estimator)])


def _text_features(spec: BenchmarkSpec) -> Any:
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.pipeline import make_union

    text = spec.model.text
    common = {
        "min_df": text.min_df,
        "max_features": text.max_features,
        "lowercase": text.lowercase,
        "sublinear_tf": True,
    }
    blocks = []
    if text.word_ngrams:
        blocks.append(TfidfVectorizer(analyzer="word", ngram_range=text.word_ngrams, **common))
    if text.char_ngrams:
        blocks.append(TfidfVectorizer(analyzer="char_wb", ngram_range=text.char_ngrams, **common))
    return make_union(*blocks)


def feature_frame(table: pa.Table, spec: BenchmarkSpec) -> "pd.DataFrame":
    """Return the n x p frame that the pipeline takes, from typed rows.

    Keyed tokens are reduced to their type, so no model depends on the key. Missing categories
    are NaN, missing text is empty.

    Raises:
        SpecError: a column of numbers was taken for personal data, so that it holds tokens.
    """
    import pandas as pd

    reduced = reduce_table(table.select(list(spec.feature_names)))
    columns: dict[str, Any] = {}
    for name in spec.feature_names:
        column = reduced.column(name)
        kind = spec.columns[name].type
        if kind == "text":
            columns[name] = column.fill_null("").to_numpy(zero_copy_only=False)
        elif kind == "category":
            columns[name] = shared_objects(column)
        elif pa.types.is_string(column.type):
            raise SpecError(
                f"columns.{name}: found personal data, which is hashed, in a column of type "
                f"{kind}; declare it as category or text, or set its pii to drop or not_pii"
            )
        elif kind == "datetime":
            columns[name] = _float64(column.cast(pa.int64())) / 1e6
        else:
            columns[name] = _float64(column)
    return pd.DataFrame(columns, columns=list(spec.feature_names))


def shared_objects(column: pa.ChunkedArray) -> np.ndarray:
    """Return strings as (n,) Python objects, one object for all equal cells; NaN for missing.

    A category or a label repeats: a string of its own for each row is some 60 bytes, and a
    reference to a shared one is 8.
    """
    encoded = column.dictionary_encode().combine_chunks()
    if isinstance(encoded, pa.ChunkedArray):
        encoded = pa.concat_arrays(encoded.chunks)
    names = np.array([*encoded.dictionary.to_pylist(), np.nan], dtype=object)
    values: np.ndarray = names[encoded.indices.fill_null(len(names) - 1).to_numpy()]
    return values


def _float64(column: pa.ChunkedArray) -> np.ndarray:
    cast = column.cast(pa.float64(), safe=False)
    values: np.ndarray = cast.to_numpy(zero_copy_only=False).astype(np.float64)
    return values
