"""What a contribution would meet, told before it is sent: intake, and a preview of its worth."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from hokusai_assets.benchmarks.loading import Benchmark
from hokusai_assets.benchmarks.row_sets import StoredRows
from hokusai_assets.contributions.identity import Contribution
from hokusai_assets.contributions.intake import examine
from hokusai_assets.contributions.intake_report import IntakeReport
from hokusai_assets.contributions.labels import BaselineOpinion
from hokusai_assets.contributions.row_index import RowIndex
from hokusai_assets.evaluation.ledger import Ledger, Looks
from hokusai_assets.evaluation.measurement import predictions_on
from hokusai_assets.evaluation.predictions import Predictions
from hokusai_assets.evaluation.preview import NoPreview, Preview, preview, sampled
from hokusai_assets.evaluation.settlement import budget_of
from hokusai_assets.models.persistence import load_model_file
from hokusai_assets.models.training import TrainedModel, predict_probabilities, train
from hokusai_assets.privacy.keys import PrivacyKey
from hokusai_assets.tables.problems import Problem


@dataclass(frozen=True)
class ContributionCheck:
    """A report that binds nobody.

    Attributes:
        report: what intake would find.
        rows: the new rows, cleaned and pseudonymised.
        preview: what the contribution might change; None where none was asked for or made.
        looks: at the test set, that are left to settle contributions; None where there is no
            record of them.
        notes: what was not looked at, and why, a sentence each.
    """

    report: IntakeReport
    rows: StoredRows
    preview: Preview | None
    looks: Looks | None
    notes: tuple[str, ...]


def check_contribution(
    contribution: Contribution,
    benchmark: Benchmark,
    key: PrivacyKey,
    *,
    folder: Path,
    scratch: Path,
    index: RowIndex | None,
    ledger: Ledger | None,
    estimate: bool,
    on_step: Callable[[str], None] = lambda step: None,
) -> ContributionCheck:
    """Examine a contribution as intake would; record nothing and evaluate nothing.

    Args:
        contribution: the file, registered or not.
        benchmark: what it is meant for.
        key: any key: the result but for the tokens does not depend on it.
        folder: the benchmark's, with the baseline's file where the spec names one.
        scratch: an existing, empty folder.
        index: the rows of earlier contributions, None where there is no record of them.
        ledger: what was settled on the benchmark, None where there is no record of it; only read.
        estimate: whether to train a preview.
        on_step: told what is being done.

    Raises:
        SpecError: the benchmark's model can't be trained or loaded.
        OSError: the file can't be read.
        RowIndexError: the index is damaged.
        LedgerError: the ledger is, or it registered another budget than the spec's.
    """
    notes = []
    looks, refused = _room(contribution, benchmark, ledger)
    on_step("training the baseline, by which the labels are judged")
    opinion = _opinion(benchmark, folder)
    if opinion is None:
        notes.append("Label noise was not looked for: the baseline is in MLflow's registry.")
    if index is None:
        notes.append(
            "Rows of earlier contributions were not looked for: there is no record of them here."
        )
    if looks is None:
        notes.append(
            "How often the test set can still decide was not looked for: there is no record of "
            "it here."
        )
    on_step("reading, hashing and comparing the rows")
    examined = examine(
        contribution,
        benchmark,
        key,
        scratch=scratch,
        opinion=opinion,
        index=index,
        record=False,
        refused=refused,
    )
    found: Preview | None = None
    if estimate:
        on_step("training with and without the rows, on parts of the base set")
        try:
            found = preview(benchmark.base.table, _rows(examined.rows, benchmark), benchmark.spec)
        except NoPreview as error:
            notes.append(f"No estimate: {error}.")
    return ContributionCheck(examined.report, examined.rows, found, looks, tuple(notes))


def _room(
    contribution: Contribution, benchmark: Benchmark, ledger: Ledger | None
) -> tuple[Looks | None, Problem | None]:
    """Return the looks there are, and why none is left for this contribution."""
    if ledger is None:
        return None, None
    budget = budget_of(benchmark)
    refused = ledger.refusal(budget, version=benchmark.content_digest, key=contribution.key)
    return ledger.looks(budget), refused


def opinion_of(
    model: Callable[[], TrainedModel], said: Predictions, benchmark: Benchmark
) -> BaselineOpinion:
    """Return what a baseline thinks of rows, by which labels are judged.

    Args:
        model: gives the baseline, and is asked only if there are rows to judge.
        said: its predictions on the test set.
        benchmark: names the labels.
    """
    return BaselineOpinion(
        lambda rows: predict_probabilities(model(), rows, benchmark.spec), said.actual, said.scores
    )


def _opinion(benchmark: Benchmark, folder: Path) -> BaselineOpinion | None:
    spec = benchmark.spec
    if spec.baseline.source == "mlflow":
        return None
    if spec.baseline.path is not None:
        loaded, _ = load_model_file(folder / spec.baseline.path, trusted=spec.model.trusted_types)
        model = TrainedModel(loaded, 0)
    else:
        model = train(sampled(benchmark.base.table, spec, "check-baseline"), spec)
    test = sampled(benchmark.test.table, spec, "check-test")
    return opinion_of(lambda: model, predictions_on(model, test, spec), benchmark)


def _rows(rows: StoredRows, benchmark: Benchmark) -> pa.Table:
    """Return new rows to train with, no more of them in memory than a preview takes."""
    if rows.schema != benchmark.base.table.schema:
        raise NoPreview("the file has no rows that fit the benchmark")
    return sampled(rows, benchmark.spec, "preview-contributed")
