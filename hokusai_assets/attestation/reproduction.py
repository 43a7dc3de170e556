"""Reproducing an attestation: the whole run again from its inputs, compared leaf by leaf.

What depends on history is replayed, not believed: the rows of earlier contributions are taken in
again in their order, and the accepted ones trained on. Only the ledger's own state (the position,
the digest of the line before, what was paid) is taken from the claim, since no contribution's
file gives it; `predecessors` holds what was paid against the attestations that paid it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from hokusai_assets.attestation.benchmark_check import attested_benchmark
from hokusai_assets.attestation.issuing import (
    ModelIdentity,
    issue_statement,
    measurement_document,
    model_fingerprint,
    settlement_document,
)
from hokusai_assets.attestation.relations import Broken, differing_leaves, require
from hokusai_assets.benchmarks.loading import Benchmark
from hokusai_assets.benchmarks.row_sets import StoredRows
from hokusai_assets.contributions.identity import Contribution
from hokusai_assets.contributions.intake import ContributedData, take_in
from hokusai_assets.contributions.intake_report import History
from hokusai_assets.contributions.row_index import RowIndex
from hokusai_assets.evaluation.ledger_entries import Settled
from hokusai_assets.evaluation.ledger_state import Standing
from hokusai_assets.evaluation.measurement import Evaluation, evaluate_models, measure
from hokusai_assets.evaluation.settlement import settle
from hokusai_assets.models.persistence import files_digest, load_model_file, model_bytes
from hokusai_assets.models.training import TrainedModel, train_replicas, training_rows
from hokusai_assets.privacy.keys import PrivacyKey


@dataclass(frozen=True)
class Inputs:
    """What a run is made from.

    Attributes:
        data: a data folder with ``benchmarks/<id>/``.
        find: gives a contribution's file by its key.
        earlier: lines ``<key>:<file digest>`` of contributions recorded before, in order; more
            may follow than were recorded then.
        key: for pseudonyms; the result does not depend on it.
        scratch: an empty folder.
    """

    data: Path
    find: Callable[[str], Contribution]
    earlier: Sequence[str]
    key: PrivacyKey
    scratch: Path


@dataclass(frozen=True)
class Reproduction:
    """What came of it.

    Attributes:
        statement: as it would be issued here.
        claim_differs: leaves of the claim that are not the same, as paths.
        environment_differs: leaves of the environment, which may differ between machines.
    """

    statement: dict[str, Any]
    claim_differs: tuple[str, ...]
    environment_differs: tuple[str, ...]


_Run = tuple[ModelIdentity, Evaluation]


def reproduce(
    statement: Mapping[str, Any],
    inputs: Inputs,
    *,
    on_step: Callable[[str], None] = lambda step: None,
) -> Reproduction:
    """Make an attestation's run again.

    Args:
        statement: the attestation's.
        inputs: what it was made from.
        on_step: told what is being done.

    Raises:
        Broken: the inputs are not those it was made from; says which.
        OSError: a file can't be read.
    """
    claim = statement["predicate"]["claim"]
    on_step("loading the benchmark")
    benchmark = attested_benchmark(claim, inputs.data)
    on_step("taking in the contribution, and those before it")
    contributed, before = _taken_in(claim, benchmark, inputs)
    on_step("training the baseline and the new model")
    baseline = _baseline(benchmark, inputs.data)
    new = _run(benchmark, [contributed.rows])
    reference, candidate = baseline, new
    if before:
        on_step("training the accepted model, and that with the contribution")
        reference = _run(benchmark, before)
        candidate = _run(benchmark, [*before, contributed.rows])
    on_step("measuring and judging")
    again = issue_statement(
        benchmark,
        contributed,
        baseline[0],
        new[0],
        _measured(benchmark, baseline, new),
        _settled(claim, benchmark, baseline, reference, candidate, contributed),
        dry_run=claim["dry_run"],
    )
    made, stated = again["predicate"], statement["predicate"]
    return Reproduction(
        again,
        tuple(differing_leaves(stated["claim"], made["claim"])),
        tuple(differing_leaves(stated["environment"], made["environment"])),
    )


def _taken_in(
    claim: Mapping[str, Any], benchmark: Benchmark, inputs: Inputs
) -> tuple[ContributedData, list[StoredRows]]:
    """Return the contribution as intake gives it, and the rows of those accepted before."""
    history = claim["history"]
    earlier = list(inputs.earlier[: history["recorded"]])
    if history["checked"]:
        require(
            History.of(earlier, {}).digest == history["digest"],
            f"the {history['recorded']:,} contributions recorded before are not those given, in "
            "their order: --history FILE, from `hokusai benchmarks history ID`",
        )
    index = RowIndex(inputs.scratch / "rows") if history["checked"] else None
    wanted = {entry["key"]: entry["rows_root"] for entry in claim["settlement"]["accepted_before"]}
    rows: dict[str, StoredRows] = {}
    for number, line in enumerate(earlier):
        key = line.partition(":")[0]
        taken = _intake(key, benchmark, inputs, index, f"earlier-{number}")
        if key in wanted:
            require(taken.rows.root == wanted[key], f"{key}: its rows are not those accepted")
            rows[key] = taken.rows
    for key in wanted:
        if key not in rows:
            # Accepted, though not recorded among those compared with.
            taken = _intake(key, benchmark, inputs, None, f"accepted-{len(rows)}")
            require(taken.rows.root == wanted[key], f"{key}: its rows are not those accepted")
            rows[key] = taken.rows
    contributed = _intake(claim["contribution"]["key"], benchmark, inputs, index, "contributed")
    if not contributed.report.accepted:
        rules = ", ".join(sorted({problem.rule for problem in contributed.report.problems}))
        raise Broken(f"here intake rejects the contribution: {rules}")
    return contributed, [rows[key] for key in wanted]


def _intake(
    key: str, benchmark: Benchmark, inputs: Inputs, index: RowIndex | None, folder: str
) -> ContributedData:
    scratch = inputs.scratch / folder
    scratch.mkdir()
    return take_in(inputs.find(key), benchmark, inputs.key, scratch=scratch, index=index)


def _baseline(benchmark: Benchmark, data: Path) -> _Run:
    source, spec = benchmark.spec.baseline, benchmark.spec
    if source.source == "train":
        return _run(benchmark, [])
    if source.source == "mlflow":
        raise Broken(
            "the baseline is in an MLflow registry: this can be reproduced only where its file "
            "stands beside the spec (baseline.source: file)"
        )
    assert source.path is not None
    path = data / "benchmarks" / spec.id / source.path
    loaded, digest = load_model_file(path, trusted=spec.model.trusted_types)
    return _evaluated(benchmark, (TrainedModel(loaded, 0),), [digest], source.source, digest)


def _run(benchmark: Benchmark, contributed: Sequence[StoredRows]) -> _Run:
    spec = benchmark.spec
    replicas = train_replicas(training_rows(benchmark.base, contributed, spec), spec)
    return _evaluated(benchmark, replicas, [rows.root for rows in contributed], "train", None)


def _evaluated(
    benchmark: Benchmark,
    replicas: tuple[TrainedModel, ...],
    made_from: Sequence[str],
    source: str,
    external_digest: str | None,
) -> _Run:
    digest = files_digest([model_bytes(model.pipeline) for model in replicas])
    identity = ModelIdentity(
        digest,
        source,
        external_digest,
        replicas[0].train_rows,
        model_fingerprint(benchmark, made_from),
    )
    return identity, evaluate_models(replicas, benchmark, model_digest=digest)


def _measured(benchmark: Benchmark, baseline: _Run, new: _Run) -> dict[str, Any]:
    part = benchmark.split.shown
    return measurement_document(
        measure(baseline[1], new[1], benchmark, part),
        baseline[1],
        new[1],
        training_rows=(baseline[0].train_rows, new[0].train_rows),
        part=part,
        spec=benchmark.spec,
    )


def _settled(
    claim: Mapping[str, Any],
    benchmark: Benchmark,
    baseline: _Run,
    reference: _Run,
    candidate: _Run,
    contributed: ContributedData,
) -> dict[str, Any]:
    split = benchmark.split
    found = settle(
        baseline[1],
        reference[1],
        candidate[1],
        benchmark=benchmark,
        split=split,
        standing=_standing(claim, benchmark),
    )
    measured = measurement_document(
        found.measurement,
        reference[1],
        candidate[1],
        training_rows=(reference[0].train_rows, candidate[0].train_rows),
        part=split.deciding,
        spec=benchmark.spec,
    )
    return settlement_document(
        found,
        measured,
        rows_root=contributed.rows.root,
        released=not split.is_split or found.decision.accepted,
    )


def _standing(claim: Mapping[str, Any], benchmark: Benchmark) -> Standing:
    """Return the ledger's state as the claim has it."""
    settlement = claim["settlement"]
    budget = settlement["budget"]
    accepted = [
        Settled(
            benchmark.test.root,
            benchmark.content_digest,
            entry["key"],
            entry["rows_root"],
            position=1,
            accepted=True,
            bps=0,
            payable_bps=0,
        )
        for entry in settlement["accepted_before"]
    ]
    if accepted:
        # Only the sum is stated, and only the sum counts.
        accepted[0] = replace(accepted[0], payable_bps=settlement["paid_before_bps"])
    return Standing(
        budget["position"],
        budget["submissions"],
        tuple(accepted),
        budget["ledger_digest"],
        None,
        settlement["paid_for_it_before_bps"],
    )
