"""What a verifier computes by the documented rules, sharing no code with the package."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

MODULUS = 21888242871839275222246405745257275088548364400416034343698204186575808495617


def sha256_of_json(value: object) -> str:
    """RFC 8785 for integers, text, lists and ASCII keys."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def merkle_root(leaves: Sequence[bytes]) -> bytes:
    """RFC 6962 section 2.1, by its recursive definition, over data."""
    if len(leaves) == 1:
        return hashlib.sha256(b"\x00" + leaves[0]).digest()
    k = 1
    while 2 * k < len(leaves):
        k *= 2
    left, right = merkle_root(leaves[:k]), merkle_root(leaves[k:])
    return hashlib.sha256(b"\x01" + left + right).digest()


def inputs_of(predicate: Mapping[str, Any]) -> list[dict[str, str]]:
    """Return the public inputs of a predicate, in the documented order."""
    claim = predicate["claim"]
    result, settled = claim["result"], claim["settlement"]
    benchmark, rows = result["benchmark"], result["rows"]
    found: list[tuple[str, Any]] = [
        ("schema_version", predicate["schema_version"]),
        ("attestation_hash", sha256_of_json(claim)),
        ("result_hash", sha256_of_json(result)),
        ("contribution.raw_sha256", claim["contribution"]["raw_sha256"]),
        *((f"benchmark.{name}", benchmark[name]) for name in ("spec_hash", "base_root")),
        *((f"benchmark.{name}", benchmark[name]) for name in ("test_root", "base_rows")),
        ("benchmark.test_rows", benchmark["test_rows"]),
        ("benchmark.labels", len(benchmark["labels"])),
        *((f"rows.{name}", rows[name]) for name in ("root", "in", "kept", "hashed")),
        *((f"rows.removed.{name}", rows["removed"][name]) for name in sorted(rows["removed"])),
        *contributors_of(claim["contributors"]),
        ("dry_run", claim["dry_run"]),
        *rule_of(settled["rule"], result["measurement"]["metrics"]),
        ("budget.position", settled["budget"]["position"]),
        ("budget.submissions", settled["budget"]["submissions"]),
        ("budget.confidence_ppm", settled["budget"]["confidence_ppm"]),
        ("verdict.paid_before_bps", settled["paid_before_bps"]),
        ("verdict.paid_for_it_before_bps", settled["paid_for_it_before_bps"]),
        ("verdict.released", settled["released"]),
        ("verdict.accepted", settled["delta_one"]["accepted"]),
        ("verdict.bps", settled["delta_one"]["bps"]),
        ("verdict.payable_bps", settled["delta_one"]["payable_bps"]),
    ]
    for name, measured in (
        ("result", result["measurement"]),
        ("settlement", settled["measurement"]),
    ):
        if measured is None:
            continue
        found += [
            (f"{name}.test_root", measured["test_root"]),
            (f"{name}.baseline_root", measured["predictions"]["baseline_root"]),
            (f"{name}.new_root", measured["predictions"]["new_root"]),
            (f"{name}.test_rows", measured["test_rows"]),
            (f"{name}.training_rows.baseline", measured["training_rows"]["baseline"]),
            (f"{name}.training_rows.new", measured["training_rows"]["new"]),
            (f"{name}.replicas", len(measured["confusion_cells"])),
        ]
        position = benchmark["labels"].index
        for number, cells in enumerate(measured["confusion_cells"]):
            for true, before, after, count in cells:
                codes = f"{position(true)}.{position(before)}.{position(after)}"
                found.append((f"{name}.cells.{number}.{codes}", count))
        for metric in sorted(measured["metrics"]):
            for part in ("baseline", "new", "delta", "low", "high"):
                value = measured["metrics"][metric][f"{part}_ppm"]
                found.append((f"{name}.metrics.{metric}.{part}_ppm", value))
    return [
        {"name": named, "value": value}
        for name, stated in found
        if stated is not None
        for named, value in elements(name, stated)
    ]


def contributors_of(contributors: Sequence[Mapping[str, Any]]) -> list[tuple[str, Any]]:
    found: list[tuple[str, Any]] = [("contributors.count", len(contributors))]
    for number, one in enumerate(contributors):
        wallet = one["wallet"]
        found += [
            (f"contributors.{number}.id_sha256", hashlib.sha256(one["id"].encode()).hexdigest()),
            (f"contributors.{number}.wallet", wallet and int(wallet[2:], 16)),
            (f"contributors.{number}.weight_bps", one["weight_bps"]),
        ]
    return found


def rule_of(rule: Mapping[str, Any], metrics: Mapping[str, Any]) -> list[tuple[str, Any]]:
    drops = rule["guardrails_max_drop_bps"]
    return [
        ("rule.sha256", sha256_of_json(rule)),
        ("rule.primary", sorted(metrics).index(rule["primary"])),
        ("rule.min_examples", rule["min_examples"]),
        ("rule.min_delta_bps", rule["min_delta_bps"]),
        *((f"rule.guardrails_max_drop_bps.{name}", drops[name]) for name in sorted(drops)),
    ]


def elements(name: str, stated: Any) -> list[tuple[str, str]]:
    """Return the elements of one number or one hash in hex."""
    if isinstance(stated, str):
        assert len(stated) == 64
        return [
            (f"{name}.hi", str(int(stated[:32], 16))),
            (f"{name}.lo", str(int(stated[32:], 16))),
        ]
    number = int(stated)
    return [(name, str(number if number >= 0 else MODULUS - abs(number)))]
