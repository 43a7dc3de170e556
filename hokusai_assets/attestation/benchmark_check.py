"""Holding an attestation against the files of its benchmark, in the version it was measured on."""

import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hokusai_assets.attestation.relations import Broken, differing_leaves, require
from hokusai_assets.benchmarks.loading import Benchmark, load_benchmark, load_spec
from hokusai_assets.benchmarks.spec import BenchmarkSpec, SpecError
from hokusai_assets.evaluation.budget import allotted_confidence_ppm
from hokusai_assets.evaluation.measurement import rule_of
from hokusai_assets.models.estimators import reproducible
from hokusai_assets.privacy.keys import PrivacyKey

# More rows than any set has.
_ANY_ROWS = 2**62


def attested_benchmark(claim: Mapping[str, Any], data: Path) -> Benchmark:
    """Load the version of a benchmark that a claim was measured on.

    Args:
        claim: the attestation's.
        data: a data folder, which has ``benchmarks/<id>/``.

    Raises:
        Broken: the folder has no such benchmark, or no version of it is the one attested; says
            what differs in the version in force.
    """
    stated = claim["result"]["benchmark"]
    folder = data / "benchmarks" / stated["id"]
    # Roots see a token's type only, so any key gives them.
    key = PrivacyKey.from_secret(secrets.token_bytes(32))
    try:
        newest = load_spec(folder).benchmark_version
        first: Benchmark | None = None
        for version in range(newest, 0, -1):
            spec = load_spec(folder, version=version)
            # Loading takes long; a spec of another hash can't be the one.
            if spec.spec_hash() != stated["spec_hash"] and version != newest:
                continue
            found = load_benchmark(folder, key, version=version)
            first = first or found
            if not differences(found, stated):
                return found
    except SpecError as error:
        raise Broken(str(error)) from None
    assert first is not None
    raise Broken(
        f"{', '.join(differences(first, stated))} of {folder} "
        f"{'and its earlier versions ' if newest > 1 else ''}differ from the attestation's"
    )


def differences(benchmark: Benchmark, stated: Mapping[str, Any]) -> list[str]:
    """Return which facts of ``claim.result.benchmark`` are not those of a benchmark."""
    return [name for name, value in benchmark_facts(benchmark).items() if stated[name] != value]


def benchmark_facts(benchmark: Benchmark) -> dict[str, Any]:
    """Return what a claim states of a benchmark: ``claim.result.benchmark``."""
    spec = benchmark.spec
    return {
        "id": spec.id,
        "spec_hash": spec.spec_hash(),
        "base_root": benchmark.base.root,
        "base_rows": benchmark.base.count,
        "test_root": benchmark.test.root,
        "test_rows": benchmark.test.count,
        "labels": list(spec.labels),
        "average": spec.average,
        "positive_label": spec.positive_label,
    }


def estimator_facts(spec: BenchmarkSpec) -> dict[str, Any]:
    """Return what a claim states of how models are trained: ``claim.result.estimator``."""
    return {
        "name": spec.model.estimator,
        "seed": spec.seed,
        "seeds": spec.model.seeds,
        "reproducible": reproducible(spec.model.estimator),
    }


def rule_facts(spec: BenchmarkSpec) -> dict[str, Any]:
    """Return what a claim states of the DeltaOne rule: ``claim.settlement.rule``."""
    rule = rule_of(spec)
    return {
        "primary": rule.primary,
        "min_examples": rule.min_examples,
        "min_delta_bps": rule.min_delta_bps,
        "guardrails_max_drop_bps": dict(rule.guardrails),
        "groups": rule.groups.to_dict(),
    }


def waived_columns(spec: BenchmarkSpec) -> list[str]:
    """Return the columns that the spec exempts from the search for personal data, ascending."""
    return sorted(name for name, column in spec.columns.items() if column.pii == "not_pii")


def check_spec(claim: Mapping[str, Any], spec: BenchmarkSpec) -> None:
    """Check that what a claim states by the spec is what the spec says.

    Raises:
        Broken: it is not.
    """
    budget = claim["settlement"]["budget"]
    delta_one = spec.delta_one
    stated_and_said = {
        "result.estimator": (claim["result"]["estimator"], estimator_facts(spec)),
        "settlement.rule": (claim["settlement"]["rule"], rule_facts(spec)),
        "settlement.budget": (
            {name: budget[name] for name in ("submissions", "confidence_ppm")},
            {
                "submissions": delta_one.submissions,
                "confidence_ppm": allotted_confidence_ppm(
                    delta_one.confidence, delta_one.submissions
                ),
            },
        ),
        "waived_columns": (claim["waived_columns"], waived_columns(spec)),
    }
    wrong = [
        path
        for name, (stated, said) in stated_and_said.items()
        for path in differing_leaves(stated, said, name)
    ]
    require(not wrong, f"{', '.join(wrong[:5])}: not what the benchmark's spec says")


def check_training_rows(claim: Mapping[str, Any], spec: BenchmarkSpec) -> None:
    """Check the rows behind every model against the sets and the spec's sampling limit.

    How many rows were accepted before is not stated; of each there is one at least.

    Raises:
        Broken: a number can't be.
    """
    result, settled = claim["result"], claim["settlement"]
    base, kept = result["benchmark"]["base_rows"], result["rows"]["kept"]
    alone = result["measurement"]["training_rows"]
    limit = spec.sampling.max_train_rows or _ANY_ROWS
    first = min(base, limit) if result["baseline_model"]["source"] == "train" else 0
    expected = {"baseline": first, "new": min(base + kept, limit)}
    require(dict(alone) == expected, "result: the training rows are not base set and contribution")
    measured, before = settled["measurement"], settled["accepted_before"]
    if measured is None or not before:
        # Nothing is told, or the same models are.
        return
    accepted, candidate = (measured["training_rows"][name] for name in ("baseline", "new"))
    require(
        min(base + len(before), limit) <= accepted <= limit
        and candidate == min(accepted + kept, limit),
        "settlement: the training rows are not those accepted before and the contribution's",
    )


def check_parts(claim: Mapping[str, Any], benchmark: Benchmark) -> None:
    """Check that measurements stand on the parts that the spec splits the test set into.

    Raises:
        Broken: one does not.
    """
    split = benchmark.split
    parts = {"result": split.shown, "settlement": split.deciding}
    for name, part in parts.items():
        measured = claim[name]["measurement"]
        if measured is not None:
            require(
                (measured["part"], measured["test_root"]) == (part.name, part.root),
                f"{name}: measured on other rows than the spec's {part.name} part",
            )
