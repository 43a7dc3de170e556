"""Holding an attestation against the files of its benchmark, in the version it was measured on."""

import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hokusai_assets.attestation.relations import Broken, require
from hokusai_assets.benchmarks.loading import Benchmark, load_benchmark, load_spec
from hokusai_assets.benchmarks.spec import SpecError
from hokusai_assets.privacy.keys import PrivacyKey


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
