"""Valuing what is stored: a benchmark's accepted contributions, whoever asks."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from hokusai_assets.benchmarks.loading import Benchmark
from hokusai_assets.benchmarks.versions import promoted_file
from hokusai_assets.contributions.intake import ContributedData
from hokusai_assets.evaluation.credit.methods import NoCredit, OnModel, value_contributions
from hokusai_assets.evaluation.credit.split import split_by_weights
from hokusai_assets.evaluation.credit.trained_utility import Contributed
from hokusai_assets.orchestration.object_store import DamagedObject, MissingObject
from hokusai_assets.orchestration.platform import Platform
from hokusai_assets.orchestration.stored_forms import ValuedContributions
from hokusai_assets.orchestration.stored_places import remedy

NOT_A_PAYMENT = (
    "A value is an estimate to compare contributions by, not a payment: what is payable is in each "
    "attestation."
)


@dataclass(frozen=True)
class LeftOut:
    """A contribution that can't be valued, and why."""

    contribution: str
    why: Literal["rejected", "damaged", "not evaluated", "other columns", "promoted"]
    message: str


@dataclass(frozen=True)
class StoredContributions:
    """What is stored of a benchmark's contributions.

    Attributes:
        accepted: those whose rows can be trained on.
        weights: of each, contributors' weights in basis points; none where none are named.
        left_out: the others.
    """

    accepted: tuple[Contributed, ...]
    weights: dict[str, dict[str, int]]
    left_out: tuple[LeftOut, ...]


def stored_contributions(
    platform: Platform, benchmark: Benchmark, keys: Sequence[str] = ()
) -> StoredContributions:
    """Collect a benchmark's accepted contributions; one that is damaged hinders no other.

    Args:
        platform: where they are.
        benchmark: what they were contributed to.
        keys: which, in this order; none means all, in the order intake recorded them.

    Raises:
        NoCredit: a key is unknown or stands twice.
    """
    known = platform.contribution_keys(benchmark.spec.id)
    if unknown := sorted(set(keys) - set(known)):
        listed = ", ".join(known) or "none yet"
        raise NoCredit(f"no contribution {', '.join(unknown)}; known are: {listed}")
    if len(set(keys)) != len(keys):
        raise NoCredit("a contribution is named twice")
    found: list[tuple[int, Contributed]] = []
    weights, left_out = {}, []
    for key in keys or known:
        outcome = _read(platform, benchmark, key)
        if isinstance(outcome, LeftOut):
            left_out.append(outcome)
            continue
        place, contributed, weights[key] = outcome
        found.append((place, contributed))
    if not keys:
        found.sort(key=lambda pair: (pair[0], pair[1].key))
    return StoredContributions(
        tuple(contributed for _, contributed in found), weights, tuple(left_out)
    )


def _read(
    platform: Platform, benchmark: Benchmark, key: str
) -> tuple[int, Contributed, dict[str, int]] | LeftOut:
    benchmark_id = benchmark.spec.id
    if promoted_file(key) in benchmark.spec.data.train:
        return LeftOut(key, "promoted", "its rows are in the base set, which it was promoted into")
    try:
        stored: ContributedData = platform.stored(benchmark_id, "contributed_data", key)
        report, rows = stored.report, stored.rows
        if not report.accepted:
            rules = ", ".join(dict.fromkeys(problem.rule for problem in report.problems))
            return LeftOut(key, "rejected", f"intake rejected it: {rules}")
        if rows.schema != benchmark.base.table.schema:
            again = remedy(benchmark_id, "contributed_data", key)
            return LeftOut(key, "other columns", f"the benchmark's columns changed since: {again}")
        contributors = report.manifest.get("contributors", ())
        shares = {str(who["id"]): int(who["weight_bps"]) for who in contributors}
        return int(report.history["recorded"]), Contributed(key, rows), shares
    except DamagedObject as error:
        return LeftOut(key, "damaged", str(error))
    except MissingObject as error:
        return LeftOut(key, "not evaluated", str(error))
    except (KeyError, ValueError, TypeError, OSError):
        # Of an earlier version, or `current.json` itself is broken; no message, it may quote a row.
        again = remedy(benchmark_id, "contributed_data", key)
        return LeftOut(
            key, "damaged", f"{benchmark_id}/contributed_data/{key} can't be read: {again}"
        )


def value_stored(
    benchmark: Benchmark,
    stored: StoredContributions,
    method: str,
    *,
    max_models: int | None = None,
    on_model: OnModel = lambda trained, most: None,
) -> ValuedContributions:
    """Value stored contributions, in their order where the method asks for one.

    Raises:
        NoCredit: there are none, or they can't be valued so; see `value_contributions`.
    """
    if not stored.accepted:
        reasons = "; ".join(f"{left.contribution}: {left.message}" for left in stored.left_out)
        raise NoCredit(
            f"no contribution to {benchmark.spec.id} can be valued"
            + (f" ({reasons})" if reasons else " yet: run `hokusai evaluate` first")
        )
    credit = value_contributions(
        benchmark, stored.accepted, method, max_models=max_models, on_model=on_model
    )
    document: dict[str, Any] = {
        "benchmark": benchmark.spec.id,
        "version": benchmark.content_digest,
        **credit.to_dict(),
    }
    for entry in document["contributions"]:
        weights = stored.weights[entry["contribution"]]
        # A mean is no amount: there is nothing to divide.
        parts = (
            split_by_weights(entry["value_ppm"], weights)
            if weights and method != "data-oob"
            else {}
        )
        entry["contributors"] = [
            {"id": who, "weight_bps": weights[who], "value_ppm": part}
            for who, part in parts.items()
        ]
    document["left_out"] = [vars(left) for left in stored.left_out]
    document["note"] = NOT_A_PAYMENT
    return ValuedContributions(document, credit.rows)
