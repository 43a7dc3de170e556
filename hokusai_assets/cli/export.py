"""`hokusai export`: an attestation as other tools take it."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import click

from hokusai_assets.cli.common_options import EXISTING_FILE, current_settings, write_or_print
from hokusai_assets.cli.trust_options import keys_that_count
from hokusai_assets.settings import Settings

_FORMATS = ("zk-output", "public-inputs", "witness")


@click.command("export")
@click.argument("attestation", type=EXISTING_FILE)
@click.option("--format", "form", type=click.Choice(_FORMATS), required=True)
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Where it goes. Default: standard output; a witness goes into the home.",
)
@click.option(
    "--predictions",
    multiple=True,
    type=EXISTING_FILE,
    help="A per-row Parquet file for the witness, repeatable. Default: this home's own.",
)
@click.option(
    "--witness",
    type=EXISTING_FILE,
    help="zk-output: the witness, if it is not where this home keeps it.",
)
@click.option(
    "--public-key",
    type=EXISTING_FILE,
    help="zk-output: the issuer's public key (PEM). Default: this home's own, if it signed.",
)
@click.option(
    "--spec",
    type=EXISTING_FILE,
    help="zk-output: the benchmark.yaml that was measured by. Default: found in the data folder.",
)
@click.option("--timestamp", help="zk-output: when it was issued, RFC 3339. Default: now.")
@click.option("--run-id", help="zk-output: the pipeline's run. Default: this home's own, if any.")
def command(attestation: Path, form: str, output: Path | None, **given: Any) -> None:
    """Write ATTESTATION as public inputs, a prover's witness, or the zk-output document.

    The attestation must hold; its signature is checked by `hokusai verify`, not here. A witness
    is private: its file is readable by its owner only. Exits 1 when it does not hold or can't be
    exported.
    """
    from hokusai_assets.attestation.public_inputs import public_inputs_document

    settings = current_settings()
    data = attestation.read_bytes()
    statement = _statement(attestation, data)
    if form == "witness":
        path = output or _witness_file(settings, statement)
        _write_witness(settings, statement, given["predictions"], path)
        click.echo(str(path))
        return
    if form == "public-inputs":
        document = public_inputs_document(statement)
    else:
        document = _zk_output(settings, statement, data, given)
    text = json.dumps(document, indent=2, ensure_ascii=False) + "\n"
    write_or_print(text, output)


def _statement(path: Path, data: bytes) -> Mapping[str, Any]:
    from hokusai_assets.attestation.verification import verify

    verification = verify(data, public_key=None, allow_dry_run=True)
    if verification.faults or verification.statement is None:
        told = "; ".join(verification.faults)
        raise click.ClickException(f"{path}: the attestation does not hold: {told}")
    return verification.statement


def _zk_output(
    settings: Settings, statement: Mapping[str, Any], data: bytes, given: Mapping[str, Any]
) -> dict[str, Any]:
    from hokusai_assets.attestation.zk_output import Unattested, zk_output

    here = _issued_here(settings, statement)
    try:
        unattested = Unattested(
            timestamp=_timestamp(given["timestamp"]),
            run_id=given["run_id"] or (here.dagster_run_id if here else None),
            mlflow_run_id=here.mlflow_run_id if here else None,
            columns=_columns(settings, statement, given["spec"]),
            verification_key=_verification_key(data, given["public_key"]),
            has_witness=_has_witness(settings, statement, given["witness"]),
        )
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    return zk_output(statement, data, unattested)


def _timestamp(text: str | None) -> str:
    if text is None:
        text = datetime.now(UTC).isoformat(timespec="seconds")
    try:
        parsed = datetime.fromisoformat(text)
    except ValueError:
        parsed = None
    if parsed is None or parsed.tzinfo is None:
        raise click.UsageError("--timestamp: as in 2026-01-31T12:00:00Z, with a time zone")
    return parsed.isoformat().replace("+00:00", "Z")


def _columns(settings: Settings, statement: Mapping[str, Any], path: Path | None) -> list[str]:
    """Return the columns of the rows, by the spec whose hash is attested."""
    from hokusai_assets.benchmarks.loading import SPEC_FILE, VERSIONS_FOLDER, parse_spec
    from hokusai_assets.benchmarks.spec import SpecError

    benchmark = statement["predicate"]["claim"]["result"]["benchmark"]
    folder = settings.benchmarks / benchmark["id"]
    beside = [folder / SPEC_FILE, *sorted((folder / VERSIONS_FOLDER).glob("*.yaml"))]
    for candidate in [path] if path else beside:
        try:
            text = candidate.read_text(encoding="utf-8")
            spec = parse_spec(text, candidate, folder_name=benchmark["id"])
        except (OSError, UnicodeDecodeError, SpecError):
            continue
        if spec.spec_hash() == benchmark["spec_hash"]:
            return sorted((spec.target, *spec.feature_names))
    raise click.UsageError(
        f"the spec that {benchmark['id']} was measured by is needed for the columns of the rows: "
        f"--spec FILE, a benchmark.yaml with the spec_hash {benchmark['spec_hash']}"
    )


def _verification_key(data: bytes, path: Path | None) -> str | None:
    """Return a key that a signature verifies with; None where none of the home's own signed."""
    from hokusai_assets.attestation.envelope import keys_that_signed, open_envelope
    from hokusai_assets.attestation.public_keys import public_pem

    signed = keys_that_signed(open_envelope(data)[0], keys_that_count(path))
    if signed:
        return public_pem(signed[0]).decode()
    if path is not None:
        raise click.ClickException(f"{path}: the attestation is not signed by this key")
    click.echo(
        "verification_key is null: no key of this home that counts has signed; --public-key FILE",
        err=True,
    )
    return None


def _has_witness(settings: Settings, statement: Mapping[str, Any], given: Path | None) -> bool:
    from hokusai_assets.attestation.witness import NoWitness, check_witness

    path = given or _witness_file(settings, statement)
    try:
        check_witness(json.loads(path.read_bytes()), statement)
    except FileNotFoundError:
        return False
    except (NoWitness, ValueError) as error:
        why = error if isinstance(error, NoWitness) else "it is no JSON"
        raise click.ClickException(f"{path}: {why}") from None
    return True


def _write_witness(
    settings: Settings, statement: Mapping[str, Any], given: tuple[Path, ...], path: Path
) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    from hokusai_assets.attestation.witness import NoWitness, build_witness, write_witness

    files = given
    if not files:
        here = _issued_here(settings, statement)
        if here is None:
            raise click.UsageError(
                "this home did not issue it: give its per-row files with --predictions FILE"
            )
        files = here.predictions
    try:
        tables = [pq.read_table(file, memory_map=False) for file in files]
        write_witness(path, build_witness(statement, tables))
    except NoWitness as error:
        raise click.ClickException(str(error)) from None
    except pa.ArrowException as error:
        message = f"a per-row file can't be read ({type(error).__name__})"
        raise click.ClickException(message) from None


def _witness_file(settings: Settings, statement: Mapping[str, Any]) -> Path:
    return settings.witness_file(*_names(statement))


def _issued_here(settings: Settings, statement: Mapping[str, Any]) -> Any:
    """Return what this home knows beside the attestation; None if it didn't issue it."""
    if find_spec("dagster") is None:
        # Without the platform nothing was.
        return None
    from hokusai_assets.orchestration.issued import issued_here

    return issued_here(settings, *_names(statement))


def _names(statement: Mapping[str, Any]) -> tuple[str, str, str]:
    predicate = statement["predicate"]
    claim = predicate["claim"]
    return (
        claim["result"]["benchmark"]["id"],
        claim["contribution"]["key"],
        predicate["attestation_hash"],
    )
