"""The estimators a spec may name, and the check of their parameters."""

import difflib
import importlib
from typing import Any

from hokusai_assets.benchmarks.spec import ModelSpec, SpecError

# Set by the platform: they decide reproducibility or the machine's load, not the model.
PLATFORM_PARAMS = ("random_state", "n_jobs", "verbose", "warm_start")
DENSE_ONLY = ("hist_gradient_boosting",)


def build_estimator(spec: ModelSpec, *, seed: int, numeric_features: bool) -> Any:
    """Return the unfitted classifier that a spec names.

    Args:
        spec: the spec's ``model`` section.
        seed: random state in 0..2**32-1 for estimators that draw numbers.
        numeric_features: whether any feature may be negative; naive_bayes is Gaussian then,
            else multinomial.

    Raises:
        SpecError: an unknown parameter, a value the estimator refuses, one that the platform
            sets, or a factory that can't be imported or makes no classifier.
    """
    if ":" in spec.estimator:
        return _from_factory(spec, seed)
    from sklearn.calibration import CalibratedClassifierCV

    estimator = _new(spec.estimator, numeric_features)
    allowed = sorted(set(estimator.get_params(deep=False)) - set(PLATFORM_PARAMS))
    for name in spec.params:
        if name not in allowed:
            raise SpecError(_unknown_parameter(spec.estimator, name, allowed))
    if "random_state" in estimator.get_params(deep=False):
        estimator.set_params(random_state=seed)
    estimator.set_params(**spec.params)
    _refuse_bad_values(estimator, spec.estimator)
    if spec.estimator == "linear_svm":
        # A margin is no probability: Platt scaling over 5 stratified folds makes it one.
        return CalibratedClassifierCV(estimator, method="sigmoid", cv=5, ensemble=False)
    return estimator


def _new(name: str, numeric_features: bool) -> Any:
    if name == "logistic_regression":
        from sklearn.linear_model import LogisticRegression

        return LogisticRegression(max_iter=1000)
    if name == "sgd":
        from sklearn.linear_model import SGDClassifier

        return SGDClassifier(loss="log_loss")
    if name == "random_forest":
        from sklearn.ensemble import RandomForestClassifier

        return RandomForestClassifier(n_jobs=1)
    if name == "hist_gradient_boosting":
        from sklearn.ensemble import HistGradientBoostingClassifier

        return HistGradientBoostingClassifier()
    if name == "naive_bayes":
        from sklearn.naive_bayes import GaussianNB, MultinomialNB

        return GaussianNB() if numeric_features else MultinomialNB()
    from sklearn.svm import LinearSVC

    return LinearSVC()


def _unknown_parameter(estimator: str, name: str, allowed: list[str]) -> str:
    if name in PLATFORM_PARAMS:
        return f"model.params.{name}: the platform sets it (the spec's seed, one thread); remove it"
    near = [other for other in allowed if other.lower() == name.lower()]
    near = near or difflib.get_close_matches(name, allowed, n=1)
    hint = f"did you mean {near[0]!r}? " if near else ""
    return (
        f"model.params.{name}: {estimator} has no such parameter; {hint}"
        f"allowed are {', '.join(allowed)}"
    )


def _refuse_bad_values(estimator: Any, name: str) -> None:
    from sklearn.utils._param_validation import InvalidParameterError

    try:
        # The check that fit() makes, made before any data is read.
        estimator._validate_params()
    except InvalidParameterError as error:
        raise SpecError(f"model.params: {name}: {' '.join(str(error).split())}") from None
    if name == "sgd" and estimator.loss not in ("log_loss", "modified_huber"):
        raise SpecError(
            f"model.params.loss: found {estimator.loss!r}; sgd must give probabilities, "
            "allowed are 'log_loss', 'modified_huber'"
        )


def reproducible(estimator: str) -> bool:
    """Tell whether equal rows give equal predicted labels and scores, rounded to 1e-9, anywhere.

    Of the built-in estimators this is tested, over orders of the rows, threads, processes and
    hash seeds. Of a factory only its author knows: it says so by an attribute
    ``hokusai_reproducible = True`` of the function. A reproducible factory uses ``seed`` for
    all that it draws, and neither clock, files, network nor the order of a set.

    Args:
        estimator: a name in `ESTIMATOR_NAMES` or ``package.module:factory``.

    Raises:
        SpecError: a factory that can't be imported.
    """
    if ":" not in estimator:
        return True
    return getattr(_factory(estimator), "hokusai_reproducible", False) is True


def _factory(estimator: str) -> Any:
    module_name, _, function_name = estimator.partition(":")
    try:
        return getattr(importlib.import_module(module_name), function_name)
    except Exception as error:  # whatever the operator's module raises while it is imported
        raise SpecError(f"model.estimator: {estimator!r} can't be imported: {error}") from None


def _from_factory(spec: ModelSpec, seed: int) -> Any:
    factory = _factory(spec.estimator)
    try:
        estimator = factory(seed=seed, **spec.params)
    except (TypeError, ValueError) as error:
        raise SpecError(
            f"model.estimator, model.params: {spec.estimator!r} is called with seed=... and the "
            f"params, and said: {error}"
        ) from None
    missing = [
        name for name in ("fit", "predict_proba", "get_params") if not hasattr(estimator, name)
    ]
    if missing:
        raise SpecError(
            f"model.estimator: what {spec.estimator!r} makes lacks {', '.join(missing)}; "
            "a scikit-learn classifier with predict_proba is needed"
        )
    return estimator
