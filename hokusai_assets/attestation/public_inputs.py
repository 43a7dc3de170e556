"""What an attestation gives a prover as public inputs: named elements of BN254's scalar field.

The rule, for each value that the attestation states:

- a whole number x is itself; a negative one is r - |x|, as fields write it. r is
  `FIELD_MODULUS`; every |x| is below 2**53, so the two never meet.
- a 256-bit hash is two elements, ``<name>.hi`` and ``<name>.lo``: its first and last 16 bytes,
  big-endian. Not the hash modulo r: r is below 2**254, so five or six hashes would share an
  element; and limbs are what a SHA-256 circuit puts together from its bits.
- a wallet's address is its 20 bytes as one big-endian number.
- true is 1, false 0; a label is its position among the sorted labels, a metric likewise.

What an attestation keeps back or does not have is left out. Elements are written as decimal
strings. r: EIP-196, the order of the group of alt_bn128, which is BN254.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from hokusai_assets.attestation.statement import shown_measurements
from hokusai_assets.canonical import merkle
from hokusai_assets.canonical.canonical_json import canonical_bytes, digest

FIELD = "BN254"
FIELD_MODULUS = 21888242871839275222246405745257275088548364400416034343698204186575808495617
_MAX_ABSOLUTE = 2**53
_LIMB_BYTES = 16
_METRIC_FIELDS = ("baseline_ppm", "new_ppm", "delta_ppm", "low_ppm", "high_ppm")

Inputs = list[dict[str, str]]


def field_element(value: int) -> str:
    """Return a whole number as an element, in decimal.

    Raises:
        ValueError: its absolute value is 2**53 or more.
    """
    if abs(value) >= _MAX_ABSOLUTE:
        raise ValueError("a number is too large to be a public input")
    return str(value % FIELD_MODULUS)


def limbs(data: bytes) -> tuple[str, str]:
    """Return the two elements of a hash of 32 bytes: high and low half.

    Raises:
        ValueError: it has another length.
    """
    if len(data) != 2 * _LIMB_BYTES:
        raise ValueError("a hash has 32 bytes")
    halves = (data[:_LIMB_BYTES], data[_LIMB_BYTES:])
    high, low = (str(int.from_bytes(half, "big")) for half in halves)
    return high, low


def public_inputs(statement: Mapping[str, Any]) -> Inputs:
    """Return the public inputs of a statement, ``{"name", "value"}`` each, in their fixed order."""
    return [{"name": name, "value": value} for name, value in _named(statement)]


def public_inputs_hash(inputs: Sequence[Mapping[str, str]]) -> str:
    """Return SHA-256 (hex) of the canonical JSON (RFC 8785) of the list."""
    return digest([dict(each) for each in inputs])


def public_inputs_root(inputs: Sequence[Mapping[str, str]]) -> str:
    """Return the Merkle root (RFC 6962, hex) of the list: a leaf is one input's canonical JSON."""
    return merkle.root_hex(merkle.leaf_hash(canonical_bytes(dict(each))) for each in inputs)


def public_inputs_document(statement: Mapping[str, Any]) -> dict[str, Any]:
    """Return the list with the field it is of and its hash."""
    inputs = public_inputs(statement)
    return {
        "field": FIELD,
        "modulus": str(FIELD_MODULUS),
        "attestation_hash": statement["predicate"]["attestation_hash"],
        "public_inputs": inputs,
        "public_inputs_hash": public_inputs_hash(inputs),
    }


def _named(statement: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    predicate = statement["predicate"]
    claim = predicate["claim"]
    benchmark, rows = claim["result"]["benchmark"], claim["result"]["rows"]
    settled = claim["settlement"]
    verdict = settled["delta_one"]
    yield from _numbers("", {"schema_version": predicate["schema_version"]})
    yield from _hashes("", predicate, "attestation_hash", "result_hash")
    yield from _hashes("contribution.", claim["contribution"], "raw_sha256")
    yield from _hashes("benchmark.", benchmark, "spec_hash", "base_root", "test_root")
    yield from _numbers(
        "benchmark.",
        {name: benchmark[name] for name in ("base_rows", "test_rows")}
        | {"labels": len(benchmark["labels"])},
    )
    yield from _hashes("rows.", rows, "root")
    yield from _numbers("rows.", {name: rows[name] for name in ("in", "kept", "hashed")})
    yield from _numbers("rows.removed.", dict(sorted(rows["removed"].items())))
    yield from _contributors(claim["contributors"])
    yield from _numbers("", {"dry_run": claim["dry_run"]})
    yield from _rule(settled["rule"], sorted(claim["result"]["measurement"]["metrics"]))
    yield from _numbers(
        "budget.",
        {name: settled["budget"][name] for name in ("position", "submissions", "confidence_ppm")},
    )
    yield from _numbers(
        "verdict.",
        {
            "paid_before_bps": settled["paid_before_bps"],
            "paid_for_it_before_bps": settled["paid_for_it_before_bps"],
            "released": settled["released"],
            "accepted": verdict["accepted"],
            "bps": verdict["bps"],
            "payable_bps": verdict["payable_bps"],
        },
    )
    labels = {label: position for position, label in enumerate(benchmark["labels"])}
    for name, measured in shown_measurements(claim).items():
        yield from _measurement(f"{name}.", measured, labels)


def _contributors(contributors: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, str]]:
    yield from _numbers("contributors.", {"count": len(contributors)})
    for number, contributor in enumerate(contributors):
        prefix = f"contributors.{number}."
        named = hashlib.sha256(contributor["id"].encode()).hexdigest()
        yield from _hashes(prefix, {"id_sha256": named}, "id_sha256")
        if contributor["wallet"] is not None:
            # 160 bits, so below the modulus.
            yield f"{prefix}wallet", str(int(contributor["wallet"], 16))
        yield from _numbers(prefix, {"weight_bps": contributor["weight_bps"]})


def _rule(rule: Mapping[str, Any], metrics: Sequence[str]) -> Iterator[tuple[str, str]]:
    # The whole of it, rules for classes and slices too, and what a single metric is held to.
    yield from _hashes("rule.", {"sha256": digest(dict(rule))}, "sha256")
    limits = rule["guardrails_max_drop_bps"]
    yield from _numbers(
        "rule.",
        {
            "primary": metrics.index(rule["primary"]),
            **{name: rule[name] for name in ("min_examples", "min_delta_bps")},
            **{f"guardrails_max_drop_bps.{name}": limits[name] for name in sorted(limits)},
        },
    )


def _measurement(
    prefix: str, measured: Mapping[str, Any], labels: Mapping[str, int]
) -> Iterator[tuple[str, str]]:
    yield from _hashes(prefix, measured, "test_root")
    yield from _hashes(prefix, measured["predictions"], "baseline_root", "new_root")
    yield from _numbers(
        prefix,
        {
            "test_rows": measured["test_rows"],
            "training_rows.baseline": measured["training_rows"]["baseline"],
            "training_rows.new": measured["training_rows"]["new"],
            "replicas": len(measured["confusion_cells"]),
        },
    )
    for replica, cells in enumerate(measured["confusion_cells"]):
        for *classes, count in cells:
            codes = ".".join(str(labels[label]) for label in classes)
            yield from _numbers(prefix, {f"cells.{replica}.{codes}": count})
    for metric, delta in sorted(measured["metrics"].items()):
        yield from _numbers(
            f"{prefix}metrics.{metric}.", {name: delta[name] for name in _METRIC_FIELDS}
        )


def _numbers(prefix: str, values: Mapping[str, int | None]) -> Iterator[tuple[str, str]]:
    for name, value in values.items():
        if value is not None:
            yield f"{prefix}{name}", field_element(int(value))


def _hashes(prefix: str, holder: Mapping[str, Any], *names: str) -> Iterator[tuple[str, str]]:
    for name in names:
        high, low = limbs(bytes.fromhex(holder[name]))
        yield f"{prefix}{name}.hi", high
        yield f"{prefix}{name}.lo", low
