"""Checking an attestation without trusting who issued it."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache, partial
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from securesystemslib.signer import SSlibKey  # type: ignore[attr-defined]

from hokusai_assets.attestation.benchmark_check import (
    attested_benchmark,
    check_parts,
    check_spec,
    check_training_rows,
)
from hokusai_assets.attestation.check import Check, run_check
from hokusai_assets.attestation.envelope import NoEnvelope, open_envelope
from hokusai_assets.attestation.measurement_checks import (
    PerRow,
    check_classes,
    check_counts,
    check_deltas,
    check_metrics,
    check_predictions,
    measurements_of,
)
from hokusai_assets.attestation.metric_sources import absent_here, check_sources, metrics_here
from hokusai_assets.attestation.predecessors import check_predecessors, tells_of
from hokusai_assets.attestation.recomputation import check_recomputed
from hokusai_assets.attestation.relations import require
from hokusai_assets.attestation.reproduction import Inputs, reproduce
from hokusai_assets.attestation.row_proof import check_row_proof
from hokusai_assets.attestation.settlement_checks import check_settlement, check_verdict
from hokusai_assets.attestation.signature_checks import Trusted, check_logged, check_signatures
from hokusai_assets.attestation.statement import (
    MEASURING_LIBRARIES,
    PREDICATE_TYPE,
    SCHEMA_VERSION,
    STATEMENT_TYPE,
    shown_measurements,
    subjects,
)
from hokusai_assets.attestation.statement_form import form_faults
from hokusai_assets.attestation.trust_policy import TrustPolicy
from hokusai_assets.benchmarks.loading import Benchmark
from hokusai_assets.canonical.canonical_json import digest
from hokusai_assets.contributions.identity import DIGEST_IN_KEY, is_partition_key
from hokusai_assets.contributions.intake_report import History
from hokusai_assets.contributions.manifest import CONTRIBUTOR_ID, TOTAL_BASIS_POINTS
from hokusai_assets.privacy.wallet_addresses import ZERO_ADDRESS, is_ethereum_address

_TAKEN_AS_STATED = (
    "the intervals that decide are taken as stated: give --data DIR and --predictions FILE"
)
_PAID_AS_STATED = "what was accepted and paid before is taken as stated: give --predecessors DIR"


@dataclass(frozen=True)
class Verification:
    """All checks of one attestation, and its statement where it could be read."""

    checks: tuple[Check, ...]
    statement: Mapping[str, Any] | None

    @property
    def passed(self) -> bool:
        """Whether no check failed and the signature was checked."""
        return all(check.outcome != "fail" for check in self.checks) and any(
            check.name == "signature" and check.outcome == "pass" for check in self.checks
        )

    @property
    def faults(self) -> tuple[str, ...]:
        """What failed, as ``<check>: <why>``."""
        return tuple(f"{c.name}: {c.detail}" for c in self.checks if c.outcome == "fail")

    @property
    def not_checked(self) -> tuple[str, ...]:
        """The checks that nothing was given for: what they are of is taken as stated."""
        return tuple(check.name for check in self.checks if check.outcome == "not checked")

    def as_markdown(self) -> str:
        """Return the checks as a list."""
        return "\n".join(f"- {c.outcome}: **{c.name}** {c.detail}" for c in self.checks)


def verify(
    data: bytes,
    *,
    public_key: SSlibKey | None = None,
    trust: tuple[TrustPolicy, date] | None = None,
    predictions: Sequence[Path] = (),
    data_folder: Path | None = None,
    row_proofs: Sequence[Path] = (),
    predecessors: Sequence[Path] = (),
    inputs: Inputs | None = None,
    on_step: Callable[[str], None] = lambda step: None,
    allow_dry_run: bool = False,
    log_proof: bytes | None = None,
    log_key: SSlibKey | None = None,
) -> Verification:
    """Check an attestation.

    Args:
        data: the envelope's bytes.
        public_key: the issuer's key, got by a way the verifier trusts.
        trust: in its place a policy of keys, and the date at which they must count. With neither
            the signature stays unchecked, and the verification does not pass.
        predictions: the per-row Parquet files to hold against the commitments.
        data_folder: has the benchmark's files (``benchmarks/<id>/``), to hold them against what
            is stated of it.
        row_proofs: opened rows, from `prove_row`.
        predecessors: attestations, among them those of the contributions that were accepted
            before it, to hold what was paid before against; these must verify by the same key or
            policy.
        inputs: what the run was made from, to make it again; see `reproduce`.
        on_step: told what is being done, where that takes long.
        allow_dry_run: accept a statement that says it is a rehearsal.
        log_proof: an inclusion proof in a log of attestations; None asks for none.
        log_key: signs the log's checkpoints; None means the issuer's key, or any of the policy's
            that counts at the date.
    """
    try:
        envelope, statement = open_envelope(data)
    except NoEnvelope as error:
        return Verification((Check("envelope", "fail", str(error)),), None)
    checks = [Check("envelope", "pass", "DSSE envelope, canonical JSON payload")]
    trusted = Trusted(public_key, trust, log_key)
    checks += check_signatures(envelope, trusted, allow_dry_run=allow_dry_run)
    steps: list[tuple[str, str, Callable[[Mapping[str, Any]], None]]] = [
        ("statement", "in-toto Statement v1 about this contribution", _check_form),
        ("hashes", "result_hash and attestation_hash are those of the claim", _check_hashes),
        (
            "contributors",
            "weights, ids and wallets have their form, the key is the file's",
            _check_contributors,
        ),
        ("rows", "rows and removals add up", _check_rows),
        ("counts", "confusion cells and training rows add up", _on_each(check_counts)),
        ("metrics", "count metrics follow from the confusion cells", _on_each(check_metrics)),
        ("classes", "what is said of classes does so too", _on_each(check_classes)),
        ("deltas", "every delta is new minus baseline", _on_each(check_deltas)),
        ("settlement", "budget, level and what was shown fit together", _check_settlement),
        ("verdict", "the DeltaOne verdict follows from its rule", _step(check_verdict)),
    ]
    for name, detail, step in steps:
        checks.append(run_check(name, partial(step, statement), detail))
    sources = _sources(statement)
    checks.append(sources)
    if allow_dry_run:
        checks.append(Check("dry_run", "not checked", "a dry run is allowed here"))
    else:
        checks.append(run_check("dry_run", partial(_refuse_dry_run, statement), "not a dry run"))

    @cache
    def files() -> list[PerRow]:
        # Two checks look at them; to read and hash a million rows takes seconds.
        on_step("reading the per-row files")
        return [_per_row(statement, path) for path in predictions]

    if not predictions:
        checks.append(
            Check("predictions", "not checked", "no per-row file given: --predictions FILE")
        )
    else:
        but = " but those not checked" if sources.outcome != "pass" else ""
        detail = f"the per-row files give the commitments and all metrics{but}"
        checks.append(
            run_check("predictions", lambda: _check_predictions(statement, files()), detail)
        )
    if data_folder is not None:
        on_step("holding it against the benchmark's files")
    checks += _by_the_benchmark(statement, data_folder, files if predictions else None)
    checks += _predecessors(statement, predecessors, trusted)
    checks += [run_check("row", partial(_opened_row, path, statement)) for path in row_proofs]
    if inputs is not None:
        checks.append(_reproduced(statement, inputs, on_step))
        if checks[-1].outcome == "pass":
            checks = [_settled_by_the_run(check) for check in checks]
    if log_proof is not None:
        checks.append(check_logged(log_proof, statement, trusted.log_keys))
    return Verification(tuple(checks), statement)


def _by_the_benchmark(
    statement: Mapping[str, Any],
    data_folder: Path | None,
    files: Callable[[], list[PerRow]] | None,
) -> list[Check]:
    """Hold a statement against the benchmark's files, and with per-row files every number."""
    if data_folder is None:
        return [
            Check("benchmark", "not checked", "no data folder given: --data DIR"),
            Check("intervals", "not checked", _TAKEN_AS_STATED),
        ]
    found: list[Benchmark] = []

    def hold() -> None:
        claim = _claim(statement)
        benchmark = attested_benchmark(claim, data_folder)
        check_spec(claim, benchmark.spec)
        check_training_rows(claim, benchmark.spec)
        check_parts(claim, benchmark)
        found.append(benchmark)

    checks = [run_check("benchmark", hold, "its files give spec, rule, roots and parts as stated")]
    if files is None or not found:
        return [*checks, Check("intervals", "not checked", _TAKEN_AS_STATED)]
    return [
        *checks,
        run_check("intervals", lambda: check_recomputed(_claim(statement), found[0], files())),
    ]


def _predecessors(
    statement: Mapping[str, Any], paths: Sequence[Path], trusted: Trusted
) -> list[Check]:
    """Hold what was paid before against attestations; nothing to say where nothing was."""

    def step() -> str:
        claim = _claim(statement)
        found = (_verified(path, claim, trusted) for path in paths)
        return check_predecessors(claim, [other for other in found if other is not None])

    if paths:
        return [run_check("predecessors", step)]
    try:
        settled = _claim(statement)["settlement"]
        alone = not settled["accepted_before"] and not settled["paid_for_it_before_bps"]
    except (LookupError, TypeError):
        # The check of the form says so.
        alone = True
    return [] if alone else [Check("predecessors", "not checked", _PAID_AS_STATED)]


def _verified(path: Path, claim: Mapping[str, Any], trusted: Trusted) -> Mapping[str, Any] | None:
    """Return the claim in another attestation's file, which must hold by itself.

    None if it tells nothing of what was paid before: then it need not hold either.
    """
    data = path.read_bytes()
    try:
        other = _claim(open_envelope(data)[1])
        if not tells_of(claim, other):
            return None
    except (NoEnvelope, LookupError, TypeError):
        return None
    found = verify(data, public_key=trusted.public_key, trust=trusted.policy)
    require(not found.faults, f"{path.name} does not verify: {'; '.join(found.faults)}")
    return other


def _settled_by_the_run(check: Check) -> Check:
    """Return a check that a run made again answers too, where nothing else did."""
    if (check.name, check.outcome) != ("intervals", "not checked"):
        return check
    return Check(check.name, "pass", "every number is what the run made again gives")


def _reproduced(
    statement: Mapping[str, Any], inputs: Inputs, on_step: Callable[[str], None]
) -> Check:
    def step() -> str:
        found = reproduce(statement, inputs, on_step=on_step)
        differs = found.claim_differs
        more = f" and {len(differs) - 5:,} more" if len(differs) > 5 else ""
        require(
            not differs,
            "a full run from the inputs gives another claim, which differs in "
            f"{', '.join(differs[:5])}{more}",
        )
        elsewhere = f"; environment differs in {', '.join(found.environment_differs[:8])}"
        return (
            "a full run from the inputs gives the same claim, hash by hash"
            f"{elsewhere if found.environment_differs else ', and the same models to the byte'}"
        )

    return run_check("reproduced", step)


def _sources(statement: Mapping[str, Any]) -> Check:
    """Check where metrics come from; one that can't be computed here is not checked, and named."""
    absent: list[str] = []

    def step() -> None:
        claim = _claim(statement)
        check_sources(claim)
        absent.extend(absent_here(claim))
        if absent:
            # What is payable stands on it alone: whoever issued this could state any number.
            primary = claim["settlement"]["rule"]["primary"]
            known = primary in metrics_here(claim)
            require(known, f"{primary} decides, and {'; '.join(absent)}")

    found = run_check("sources", step, "every metric is built in, or of a plug-in installed here")
    if found.outcome == "fail" or not absent:
        return found
    return Check("sources", "not checked", "; ".join(absent))


def _check_settlement(statement: Mapping[str, Any]) -> None:
    claim, models = _claim(statement), statement["predicate"]["environment"]["models"]
    check_settlement(claim)
    if not claim["settlement"]["accepted_before"]:
        require(
            (models["accepted_sha256"], models["candidate_sha256"])
            == (models["baseline_sha256"], models["new_sha256"]),
            "nothing was accepted before, yet the settlement names other models",
        )


def _step(
    check: Callable[[Mapping[str, Any]], None],
) -> Callable[[Mapping[str, Any]], None]:
    return lambda statement: check(_claim(statement))


def _claim(statement: Mapping[str, Any]) -> Mapping[str, Any]:
    claim: Mapping[str, Any] = statement["predicate"]["claim"]
    return claim


def _check_form(statement: Mapping[str, Any]) -> None:
    require(statement["_type"] == STATEMENT_TYPE, f"_type is not {STATEMENT_TYPE}")
    require(statement["predicateType"] == PREDICATE_TYPE, f"predicateType is not {PREDICATE_TYPE}")
    require(
        statement["predicate"]["schema_version"] == SCHEMA_VERSION,
        f"schema_version is not {SCHEMA_VERSION}: use a verifier of that version",
    )
    faults = form_faults(statement)
    require(not faults, "; ".join(faults[:3]))
    packages = statement["predicate"]["environment"]["packages"]
    missing = [name for name in MEASURING_LIBRARIES if name not in packages]
    require(not missing, f"environment.packages does not name {', '.join(missing)}")
    require(
        statement["subject"] == subjects(_claim(statement), statement["predicate"]["environment"]),
        "the subjects are not the claim's contribution and benchmark, and the models",
    )


def _check_hashes(statement: Mapping[str, Any]) -> None:
    predicate, claim = statement["predicate"], _claim(statement)
    require(predicate["result_hash"] == digest(claim["result"]), "result_hash is wrong")
    require(predicate["attestation_hash"] == digest(claim), "attestation_hash is wrong")


def _check_contributors(statement: Mapping[str, Any]) -> None:
    claim = _claim(statement)
    key, raw_digest = claim["contribution"]["key"], claim["contribution"]["raw_sha256"]
    require(
        is_partition_key(key) and key.endswith(f"-{raw_digest[:DIGEST_IN_KEY]}"),
        "the contribution's key does not end with its file's digest",
    )
    contributors = claim["contributors"]
    ids = [contributor["id"] for contributor in contributors]
    require(len(set(ids)) == len(ids), "a contributor stands twice")
    # By fullmatch, since `$` alone lets a line feed follow.
    require(
        all(re.fullmatch(CONTRIBUTOR_ID, name) for name in ids),
        "a contributor's id is not 1 to 64 letters, digits, dots, dashes or underscores",
    )
    wallets = [who["wallet"] for who in contributors if who["wallet"] is not None]
    require(
        all(is_ethereum_address(wallet) and wallet != ZERO_ADDRESS for wallet in wallets),
        "a contributor's wallet is no address, is zero, or fails its EIP-55 checksum",
    )
    total = sum(contributor["weight_bps"] for contributor in contributors)
    require(
        not contributors or total == TOTAL_BASIS_POINTS,
        f"the contributors' weights do not sum to {TOTAL_BASIS_POINTS}",
    )
    require(
        claim["contribution"]["licence"].isprintable(),
        "the licence is no line of printable characters",
    )
    waived = claim["waived_columns"]
    require(waived == sorted(set(waived)), "the waived columns are not sorted and unique")


def _check_rows(statement: Mapping[str, Any]) -> None:
    claim = _claim(statement)
    result, history = claim["result"], claim["history"]
    labels = result["benchmark"]["labels"]
    require(labels == sorted(set(labels)), "the labels are not sorted and unique")
    counted = result["rows"]
    require(
        counted["in"] == counted["kept"] + sum(counted["removed"].values()),
        "rows in are not rows kept plus rows removed",
    )
    require(
        (history["recorded"] == 0) == (history["digest"] == History.unknown().digest),
        "history: the digest is not of as many contributions as are recorded",
    )
    require(0 <= counted["hashed"] <= counted["in"], "more rows are hashed than came in")
    require(
        history["recorded"] > 0 or counted["removed"]["in_earlier_contribution"] == 0,
        "rows of earlier contributions are removed where none was recorded",
    )
    require(
        history["checked"] or history["recorded"] == 0,
        "earlier contributions are recorded that were not compared with",
    )
    require(
        (result["baseline_model"]["sha256"] is None)
        == (result["baseline_model"]["source"] == "train"),
        "baseline_model: a file's digest goes with a loaded model, and only with one",
    )


def _on_each(
    check: Callable[[Mapping[str, Any], Mapping[str, Any]], None],
) -> Callable[[Mapping[str, Any]], None]:
    def step(statement: Mapping[str, Any]) -> None:
        for measured in shown_measurements(_claim(statement)).values():
            check(measured, _claim(statement))

    return step


def _refuse_dry_run(statement: Mapping[str, Any]) -> None:
    require(_claim(statement)["dry_run"] is False, "this is a dry run: it attests nothing")


def _per_row(statement: Mapping[str, Any], path: Path) -> PerRow:
    claim = _claim(statement)
    shown = list(shown_measurements(claim).values())
    return measurements_of(pq.read_table(path, memory_map=False), shown, claim)


def _check_predictions(statement: Mapping[str, Any], files: Sequence[PerRow]) -> None:
    shown = list(shown_measurements(_claim(statement)).values())
    seen = [False] * len(shown)
    for file, fits in files:
        for measured in fits:
            check_predictions(file, measured, _claim(statement))
            seen[[other is measured for other in shown].index(True)] = True
    require(
        all(seen),
        "a file for each measurement is needed: one of the contribution alone "
        "(metric_deltas), one of its settlement",
    )


def _opened_row(path: Path, statement: Mapping[str, Any]) -> str:
    return check_row_proof(path.read_bytes(), statement)
