"""The methods by name, each applied to a benchmark and the contributions to it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa

from hokusai_assets.benchmarks.loading import Benchmark
from hokusai_assets.benchmarks.sampling import seed_sequence
from hokusai_assets.benchmarks.spec import BenchmarkSpec
from hokusai_assets.benchmarks.test_split import TestPart
from hokusai_assets.evaluation.credit.games import Game
from hokusai_assets.evaluation.credit.marginals import leave_one_out, sequential, standalone
from hokusai_assets.evaluation.credit.nearest_neighbours import nearest_neighbour_shapley
from hokusai_assets.evaluation.credit.out_of_bag import out_of_bag
from hokusai_assets.evaluation.credit.shapley import exact_shapley, truncated_monte_carlo
from hokusai_assets.evaluation.credit.trained_utility import (
    Contributed,
    JoinedRows,
    TrainedUtility,
)
from hokusai_assets.evaluation.credit.values import ContributionValue, Credit
from hokusai_assets.evaluation.predictions import IntArray, label_codes
from hokusai_assets.evaluation.rounding import to_ppm
from hokusai_assets.models.pipeline import build_pipeline, feature_frame
from hokusai_assets.models.training import predict_probabilities, train

METHODS = ("standalone", "sequential", "leave-one-out", "shapley", "knn-shapley", "data-oob")
DEFAULT_METHOD = "knn-shapley"
ORDERED_METHOD = "sequential"
EXACT_UP_TO = 8
SHAPLEY_MODELS = 500
BAGS = 100
_MIN_BAGS = 10
_MAX_PERMUTATIONS = 2_000
NEIGHBOURS = 10
# Of the noise that the test set's size leaves in the utility: what an order may leave unasked,
# and the error at which more orders would refine nothing that matters.
NOISE_PART = 0.1

OnModel = Callable[[int, int], None]
"""Told how many models are trained, and how many there will be at most."""


class NoCredit(ValueError):
    """Contributions can't be valued as asked; the message says why and what to do."""


@dataclass(frozen=True, eq=False)
class _Task:
    benchmark: Benchmark
    contributions: tuple[Contributed, ...]
    joined: JoinedRows
    order: tuple[int, ...]
    max_models: int | None
    on_model: OnModel

    @property
    def shown(self) -> TestPart:
        """The part of the test set that is asked: the one that does not decide, if there is one."""
        return self.benchmark.split.shown

    @cached_property
    def shown_rows(self) -> pa.Table:
        return self.benchmark.test_rows_of(self.shown)

    @property
    def replicas(self) -> int:
        return self.benchmark.spec.model.seeds

    @property
    def replicas_in_words(self) -> str:
        return f" ({self.replicas} replicas each)" if self.replicas > 1 else ""


def value_contributions(
    benchmark: Benchmark,
    contributions: Sequence[Contributed],
    method: str,
    *,
    order: Sequence[str] | None = None,
    max_models: int | None = None,
    on_model: OnModel = lambda trained, most: None,
) -> Credit:
    """Value contributions to a benchmark.

    Players are numbered by their rows' content, so neither their names nor the order they are
    given in changes a number (but for ``sequential``, where the order is the question).

    Args:
        benchmark: spec, base set and test set, of which only the part that may be shown is asked.
        contributions: at least one; their rows as intake accepted them.
        method: one of `METHODS`.
        order: for ``sequential``, every key once, first come first; default as given.
        max_models: models that may be trained, every replica counted. Default: what the method
            needs; for ``shapley`` replicas of `SHAPLEY_MODELS` coalitions; `BAGS` for
            ``data-oob``, which trains just as many, one a bag. ``knn-shapley`` trains none.
        on_model: progress.

    Raises:
        NoCredit: an unknown method, none or repeated contributions, a wrong order, too few models.
        SpecError: a model can't be trained.
        UndefinedMetric: the primary metric has no value on the test set.
    """
    keys = [given.key for given in contributions]
    if method not in METHODS:
        raise NoCredit(f"no method {method!r}; known are {', '.join(METHODS)}")
    if not keys or len(set(keys)) != len(keys):
        raise NoCredit("there are no contributions to value" if not keys else "a key stands twice")
    players = tuple(sorted(contributions, key=lambda given: (given.rows.root, given.key)))
    numbers = {given.key: number for number, given in enumerate(players)}
    task = _Task(
        benchmark,
        players,
        JoinedRows.of(players, benchmark.base.table.column_names),
        tuple(numbers[key] for key in _checked_order(keys, order, method)),
        max_models,
        on_model,
    )
    credit = _BY_NAME[method](task)
    found = {value.key: value for value in credit.values}
    return replace(credit, values=tuple(found[key] for key in keys))


def _checked_order(keys: list[str], order: Sequence[str] | None, method: str) -> list[str]:
    if order is None:
        return keys
    if method != ORDERED_METHOD:
        raise NoCredit(f"an order goes with method {ORDERED_METHOD}; {method} has none")
    if sorted(order) != sorted(keys):
        raise NoCredit(f"the order must name each of {', '.join(keys)} once")
    return list(order)


def _marginal_values(method: str, task: _Task) -> Credit:
    count = len(task.contributions)
    # With one contribution, it alone, it as the last and all are the same coalition.
    needed = 2 if count == 1 else count + (1 if method == ORDERED_METHOD else 2)
    models = needed * task.replicas
    if task.max_models is not None and task.max_models < models:
        raise NoCredit(
            f"{method} of {count} contributions trains {models} models{task.replicas_in_words}, "
            f"{task.max_models} are allowed; allow more or value fewer"
        )
    utility, game = _game(task, needed)
    if method == "standalone":
        values = standalone(game)
    elif method == "leave-one-out":
        values = leave_one_out(game)
    else:
        values = sequential(game, task.order)
    credit = _credit_of(method, task, utility, game, values, [None] * count)
    # Only the marginal gains of one order share out v(all) - v(empty); the others need not.
    return credit if method == ORDERED_METHOD else replace(credit, gap_ppm=None)


def _shapley_values(task: _Task) -> Credit:
    count = len(task.contributions)
    most = SHAPLEY_MODELS if task.max_models is None else task.max_models // task.replicas
    if count <= EXACT_UP_TO and 2**count <= most:
        utility, game = _game(task, 2**count)
        exact = exact_shapley(game)
        return _credit_of("shapley", task, utility, game, exact, [None] * count)
    least = min(2**count, 2 * count + 2)
    if most < least:
        raise NoCredit(
            f"shapley of {count} contributions needs at least {least * task.replicas} models"
            f"{task.replicas_in_words}, {task.max_models} are allowed; allow more, value fewer, "
            "or take knn-shapley"
        )
    utility, game = _game(task, min(most, 2**count))
    # The noise is measured on the predictions of the model of all.
    game.value(range(count))
    noise = utility.noise()
    estimate = truncated_monte_carlo(
        game,
        np.random.default_rng(seed_sequence(task.benchmark.spec.seed, "credit-shapley")),
        max_permutations=_MAX_PERMUTATIONS,
        max_values=most,
        truncate_within=NOISE_PART * noise,
        max_error=NOISE_PART * noise,
    )
    values = [Fraction(value) for value in estimate.values]
    credit = _credit_of("shapley", task, utility, game, values, estimate.errors)
    return replace(credit, permutations=estimate.permutations)


def _game(task: _Task, most: int) -> tuple[TrainedUtility, Game]:
    """Return the utility, and the game of at most so many coalitions."""
    utility = TrainedUtility(task.benchmark, task.joined)
    count, k = len(task.contributions), task.replicas
    return utility, Game(
        count, utility, on_value=lambda coalitions: task.on_model(coalitions * k, most * k)
    )


def _credit_of(
    method: str,
    task: _Task,
    utility: TrainedUtility,
    game: Game,
    values: Sequence[Fraction],
    errors: Sequence[float | None],
) -> Credit:
    # First, since asking may train the last model.
    empty, everything = game.empty, game.all
    return Credit(
        method=method,
        measure=utility.measure,
        values=_contribution_values(task, values, errors),
        models_trained=game.evaluated * task.replicas,
        replicas=task.replicas,
        part=task.shown.name,
        test_rows=task.shown_rows.num_rows,
        empty_ppm=to_ppm(empty),
        all_ppm=to_ppm(everything),
        gap_ppm=to_ppm(everything - empty - sum(values)),
        noise_ppm=to_ppm(utility.noise()),
    )


def _contribution_values(
    task: _Task, values: Sequence[Fraction | float], errors: Sequence[float | None]
) -> tuple[ContributionValue, ...]:
    return tuple(
        ContributionValue(
            given.key, given.rows.count, to_ppm(value), None if error is None else to_ppm(error)
        )
        for given, value, error in zip(task.contributions, values, errors, strict=True)
    )


def _nearest_neighbour_values(task: _Task) -> Credit:
    from threadpoolctl import threadpool_limits

    spec, rows = task.benchmark.spec, _all_rows(task)
    with threadpool_limits(limits=1):
        features = build_pipeline(spec)[:-1]
        train_features = features.fit_transform(feature_frame(rows, spec))
        test_features = features.transform(feature_frame(task.shown_rows, spec))
        by_row, utility = nearest_neighbour_shapley(
            train_features,
            _codes(rows, spec),
            test_features,
            _codes(task.shown_rows, spec),
            neighbours=NEIGHBOURS,
        )
    owner = _owners(task)
    count = len(task.contributions)
    values = [float(by_row[owner == number].sum()) for number in range(count)]
    base = float(by_row[owner < 0].sum())
    return Credit(
        method="knn-shapley",
        measure=f"the share of the {NEIGHBOURS} nearest rows with the right label",
        values=_contribution_values(task, values, [None] * count),
        models_trained=0,
        replicas=0,
        part=task.shown.name,
        test_rows=task.shown_rows.num_rows,
        empty_ppm=0,
        all_ppm=to_ppm(utility),
        base_ppm=to_ppm(base),
        gap_ppm=to_ppm(utility - base - sum(values)),
        rows=_row_values(task, owner, by_row),
    )


def _out_of_bag_values(task: _Task) -> Credit:
    spec = task.benchmark.spec
    bags = BAGS if task.max_models is None else task.max_models
    if bags < _MIN_BAGS:
        raise NoCredit(
            f"data-oob trains a model per bag and needs {_MIN_BAGS} at least, {bags} are allowed"
        )
    rows = _all_rows(task)

    def predict(bag: IntArray, out: IntArray) -> IntArray:
        model = train(rows.take(pa.array(bag)), spec)
        scores = predict_probabilities(model, rows.take(pa.array(out)), spec)
        chosen: IntArray = scores.argmax(axis=1).astype(np.int64)
        return chosen

    found = out_of_bag(
        _codes(rows, spec),
        predict,
        bags=bags,
        bag_size=min(rows.num_rows, spec.sampling.max_train_rows or rows.num_rows),
        generator=np.random.default_rng(seed_sequence(spec.seed, "credit-bags")),
        on_bag=lambda done: task.on_model(done, bags),
    )
    owner = _owners(task)
    means = [found.mean(owner == number) for number in range(len(task.contributions))]
    return Credit(
        method="data-oob",
        measure="the share of models that had not seen a row and gave it its label",
        values=_contribution_values(
            task, [value for value, _ in means], [error for _, error in means]
        ),
        models_trained=bags,
        replicas=1,
        part=None,
        test_rows=None,
        empty_ppm=None,
        all_ppm=to_ppm(found.mean(owner >= 0)[0]),
        base_ppm=to_ppm(found.mean(owner < 0)[0]),
        rows=_row_values(task, owner, found.values),
    )


def _all_rows(task: _Task) -> pa.Table:
    return pa.concat_tables([task.benchmark.base.table, task.joined.table])


def _owners(task: _Task) -> IntArray:
    """Return whose each of all rows is: -1 for the base set."""
    return np.concatenate([np.full(task.benchmark.base.count, -1), task.joined.owner])


def _codes(table: pa.Table, spec: BenchmarkSpec) -> IntArray:
    return label_codes(table.column(spec.target), spec.labels)


def _row_values(task: _Task, owner: IntArray, values: Any) -> pa.Table:
    names = np.array([*(given.key for given in task.contributions), ""], dtype=object)
    digests = [*task.benchmark.base.digests, *task.joined.digests]
    return pa.table(
        {
            "contribution": pa.array(names[owner], pa.string()),
            "row_digest": [digest.hex() for digest in digests],
            "value": pa.array(values, pa.float64()),
        }
    )


_BY_NAME: dict[str, Callable[[_Task], Credit]] = {
    "standalone": lambda task: _marginal_values("standalone", task),
    "sequential": lambda task: _marginal_values("sequential", task),
    "leave-one-out": lambda task: _marginal_values("leave-one-out", task),
    "shapley": _shapley_values,
    "knn-shapley": _nearest_neighbour_values,
    "data-oob": _out_of_bag_values,
}
