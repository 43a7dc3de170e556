"""Estimators: parameter errors are told by key with what is allowed; factories plug in."""

import sys
from pathlib import Path

import pytest
from sklearn.linear_model import LogisticRegression

from hokusai_assets.benchmarks.spec import ESTIMATOR_NAMES, SpecError
from hokusai_assets.models.estimators import PLATFORM_PARAMS, build_estimator, reproducible
from hokusai_assets.models.pipeline import build_pipeline
from hokusai_assets.models.training import TrainedModel, predict_probabilities, train
from hokusai_assets_tests.models.small_benchmark import TABULAR, TEXTUAL, rows_of, spec_of


def build(estimator: str, **params: object) -> object:
    spec = spec_of(estimator, TABULAR, params=params)
    return build_estimator(spec.model, seed=3, numeric_features=True)


@pytest.mark.parametrize("name", ESTIMATOR_NAMES)
def test_the_seed_reaches_every_estimator_that_draws_numbers(name: str) -> None:
    params = build(name).get_params()  # type: ignore[attr-defined]
    seeds = {value for key, value in params.items() if key.split("__")[-1] == "random_state"}
    assert seeds == (set() if name == "naive_bayes" else {3})


@pytest.mark.parametrize("name", ESTIMATOR_NAMES)
@pytest.mark.parametrize("param", PLATFORM_PARAMS)
def test_what_the_platform_sets_is_refused(name: str, param: str) -> None:
    with pytest.raises(SpecError, match=rf"model\.params\.{param}: the platform sets it.*remove"):
        build(name, **{param: 1})


@pytest.mark.parametrize(
    ("estimator", "params", "told"),
    [
        (
            "logistic_regression",
            {"max_itr": 5},
            r"model\.params\.max_itr: logistic_regression has no such parameter; "
            r"did you mean 'max_iter'\? allowed are C, .*solver, tol$",
        ),
        ("random_forest", {"zzz": 5}, r"model\.params\.zzz: .*parameter; allowed are bootstrap,"),
        (
            "logistic_regression",
            {"C": -1},
            r"model\.params: logistic_regression: The 'C' parameter .*range \(0\.0, inf\].*Got -1",
        ),
        ("random_forest", {"n_estimators": "many"}, r"'n_estimators'.*an int.*Got 'many'"),
        ("hist_gradient_boosting", {"max_iter": 1.5}, r"'max_iter'.*an int.*Got 1\.5"),
        ("linear_svm", {"loss": "log"}, r"'loss'.*hinge.*Got 'log'"),
        ("naive_bayes", {"var_smoothing": -1}, r"'var_smoothing'.*Got -1"),
        (
            "sgd",
            {"loss": "hinge"},
            r"model\.params\.loss: found 'hinge'; .*allowed are 'log_loss', 'modified_huber'",
        ),
    ],
)
def test_a_wrong_parameter_is_told_by_key_found_and_allowed(
    estimator: str, params: dict[str, object], told: str
) -> None:
    with pytest.raises(SpecError, match=told):
        build(estimator, **params)


def test_a_parameter_that_only_the_data_refuses_is_told_at_training() -> None:
    spec = spec_of("logistic_regression", TABULAR, params={"solver": "liblinear"})
    with pytest.raises(SpecError, match=r"can't be fitted to 60 rows: .*liblinear"):
        train(rows_of(60, 0), spec)


def test_text_is_refused_for_an_estimator_of_dense_features() -> None:
    for estimator, columns in (
        ("hist_gradient_boosting", TEXTUAL),
        ("naive_bayes", TEXTUAL | TABULAR),
    ):
        with pytest.raises(
            SpecError, match=r"model\.estimator: \w+ can't take the text columns \['note'\].*use"
        ):
            build_pipeline(spec_of(estimator, columns))


FACTORIES = """
from sklearn.linear_model import LogisticRegression, Ridge

def good(*, seed, strength=1.0):
    return LogisticRegression(C=strength, random_state=seed)

def no_classifier(*, seed):
    return Ridge()

def choosy(*, seed, strength):
    raise ValueError("strength must be one of 1, 2")
"""


@pytest.fixture
def factories(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    (tmp_path / "own_estimators.py").write_text(FACTORIES)
    (tmp_path / "broken_estimators.py").write_text("raise RuntimeError('no licence')")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "own_estimators", raising=False)
    return "own_estimators"


def test_a_custom_factory_is_trained_with_seed_and_parameters(factories: str) -> None:
    spec = spec_of(f"{factories}:good", TABULAR, params={"strength": 2.5})
    model: TrainedModel = train(rows_of(80, 0), spec)
    fitted = model.pipeline.named_steps["estimator"]
    assert isinstance(fitted, LogisticRegression)
    assert fitted.C == 2.5
    assert isinstance(fitted.random_state, int)
    scores = predict_probabilities(model, rows_of(10, 1), spec)
    assert scores.sum(axis=1) == pytest.approx(1)


@pytest.mark.parametrize(
    ("estimator", "params", "told"),
    [
        ("own_estimators:absent", {}, "model.estimator: 'own_estimators:absent' can't be imported"),
        ("no_such_module:make", {}, "model.estimator: 'no_such_module:make' can't be imported"),
        ("broken_estimators:make", {}, "can't be imported: no licence"),
        ("own_estimators:good", {"C": 1}, "model.params: 'own_estimators:good' .*'C'"),
        ("own_estimators:choosy", {"strength": 3}, "model.params: .*one of 1, 2"),
        ("own_estimators:no_classifier", {}, "lacks predict_proba; a scikit-learn classifier"),
    ],
)
def test_a_factory_that_does_not_fit_is_told(
    factories: str, estimator: str, params: dict[str, object], told: str
) -> None:
    with pytest.raises(SpecError, match=told):
        build(estimator, **params)


@pytest.mark.parametrize("name", ESTIMATOR_NAMES)
def test_every_built_in_estimator_is_reproducible(name: str) -> None:
    # What that means is tested in test_training.py, for all of them.
    assert reproducible(name)


def test_a_factory_is_reproducible_only_if_its_author_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "claims_of_authors.py").write_text(
        "def silent(*, seed): ...\n"
        "def vague(*, seed): ...\n"
        "vague.hokusai_reproducible = 'yes'\n"
        "def sure(*, seed): ...\n"
        "sure.hokusai_reproducible = True\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    found = {
        name: reproducible(f"claims_of_authors:{name}") for name in ("silent", "vague", "sure")
    }
    assert found == {"silent": False, "vague": False, "sure": True}
    with pytest.raises(SpecError, match=r"'claims_of_authors:other' can't be imported"):
        reproducible("claims_of_authors:other")
