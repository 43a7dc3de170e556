"""`hokusai mint-request`: what an attestation entitles to, signed for a contract."""

import os
import time
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console
from rich.markup import escape

from hokusai_assets.cli.common_options import (
    EXISTING_FILE,
    PLATFORM_FAULT,
    REJECTED,
    json_option,
    print_json,
    printable,
    quiet_option,
)
from hokusai_assets.cli.evidence_options import (
    attestations_in,
    data_option,
    log_key_option,
    log_proof_option,
    predecessors_option,
    predictions_option,
)
from hokusai_assets.cli.progress import steps_shown
from hokusai_assets.cli.trust_options import (
    at_option,
    load_key,
    public_key_option,
    trust_option,
    trusted_keys,
)
from hokusai_assets.drafts import replace_file

if TYPE_CHECKING:
    from hokusai_assets.minting.request_file import SignedRequest

_ONE_DAY = 86_400
_count = click.IntRange(min=0)


@click.command("mint-request")
@click.argument("file", metavar="ATTESTATION", type=EXISTING_FILE)
@click.option("--contract", required=True, metavar="ADDR", help="Address of the verifier contract.")
@click.option(
    "--chain-id", required=True, type=_count, metavar="N", help="EIP-155 id of its chain."
)
@click.option(
    "--model-id", required=True, type=_count, metavar="N", help="Its number of the model."
)
@click.option(
    "--deadline",
    type=_count,
    metavar="UNIX",
    help="Valid until, at most a year (365 days) ahead; default: for a day.",
)
@click.option(
    "--pipeline-run-id",
    default="",
    metavar="TEXT",
    help="A name for people. Default: hokusai- and 12 digits of the attestation hash.",
)
@click.option(
    "--max-cost-usd-micro", type=_count, default=0, metavar="N", help="Budget; 0 is none."
)
@click.option("--actual-cost-usd-micro", type=_count, default=0, metavar="N", help="What it cost.")
@public_key_option
@trust_option
@at_option
@predictions_option
@data_option
@predecessors_option
@log_proof_option
@log_key_option
@click.option(
    "--key-file",
    "key_files",
    multiple=True,
    type=EXISTING_FILE,
    help="An attester's private key, 64 hex digits, mode 0600 (repeat for several). "
    "Default: HOKUSAI_ATTESTER_KEY or HOKUSAI_ATTESTER_KEY_FILE; without a key nothing is signed.",
)
@click.option(
    "--signature",
    "signatures",
    multiple=True,
    metavar="HEX",
    help="An attester's signature over the digest, made elsewhere (repeat for several). Goes with "
    "--signer.",
)
@click.option(
    "--signer",
    "signers",
    multiple=True,
    metavar="ADDRESS",
    help="Whose --signature it is: one for each, in the same order.",
)
@click.option(
    "--add-to",
    type=EXISTING_FILE,
    metavar="REQUEST",
    help="Add signatures to this request, if it is what ATTESTATION entitles to; deadline, name "
    "and costs are the request's.",
)
@click.option(
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Where to write. Default: REQUEST, or ATTESTATION's name with .mint.json.",
)
@json_option
@quiet_option
def command(
    file: Path,
    contract: str,
    chain_id: int,
    model_id: int,
    public_key: Path | None,
    trust: Path | None,
    at: datetime | None,
    predictions: tuple[Path, ...],
    data_folder: Path | None,
    predecessors: Path | None,
    log_proof: Path | None,
    log_key: Path | None,
    key_files: tuple[Path, ...],
    signatures: tuple[str, ...],
    signers: tuple[str, ...],
    add_to: Path | None,
    output: Path | None,
    as_json: bool,
    quiet: bool,
    **terms: Any,
) -> None:
    """Make a mint request of ATTESTATION for a contract, and sign it (EIP-712).

    The attestation is verified first; what of it is not checked is told on standard error. Of what
    is not accepted, a dry run, or pays nothing there is no request, nor is one signed whose
    deadline has passed (exit code 3). Several attesters sign by turns with --add-to.
    """
    from hokusai_assets.minting.attester_key import AttesterKeyError, load_attesters
    from hokusai_assets.minting.contracts_extra import ContractsExtraMissing
    from hokusai_assets.minting.mint_request import (
        NoMintRequest,
        VerifierContract,
        checked_address,
        require_open,
    )
    from hokusai_assets.minting.request_file import NotARequestFile, to_bytes
    from hokusai_assets.minting.typed_data import NotASignature, sign, signature_by

    path = output or add_to or file.with_name(f"{file.name.removesuffix('.dsse.json')}.mint.json")
    if path.exists() and path != add_to:
        raise click.UsageError(f"{path} exists: give --add-to to sign it too, or another --output")
    if len(signers) != len(signatures):
        raise click.UsageError("give --signer ADDRESS for each --signature, in the same order")
    try:
        verifier = VerifierContract(chain_id, contract)
        signers = tuple(checked_address("--signer", text) for text in signers)
        if terms["deadline"] is not None:
            require_open(terms["deadline"], int(time.time()))
    except NoMintRequest as error:
        raise click.UsageError(str(error)) from None
    evidence = {
        "predictions": predictions,
        "data_folder": data_folder,
        "predecessors": attestations_in(predecessors),
        "log_proof": log_proof.read_bytes() if log_proof else None,
        "log_key": load_key(log_key) if log_key else None,
    }
    evidence |= trusted_keys(public_key, trust, at)
    statement = _verified(file, evidence, quiet=quiet or as_json)
    try:
        signed = _unsigned(statement, verifier, model_id, add_to, terms)
        accounts = load_attesters(environment=os.environ, files=key_files)
        signed = signed.signed_also(
            [sign(signed.digest, account) for account in accounts]
            + [
                signature_by(signed.digest, text, signer)
                for text, signer in zip(signatures, signers, strict=True)
            ]
        )
        data = to_bytes(signed)
    except NoMintRequest as error:
        click.echo(f"No mint request: {error}", err=True)
        raise SystemExit(REJECTED) from None
    except (AttesterKeyError, NotASignature, NotARequestFile) as error:
        raise click.UsageError(str(error)) from None
    except ContractsExtraMissing as error:
        click.echo(str(error), err=True)
        raise SystemExit(PLATFORM_FAULT) from None
    _write(path, data)
    if as_json:
        print_json(signed.to_dict() | {"file": str(path)})
    else:
        _tell(signed, path)


def _verified(file: Path, evidence: dict[str, Any], *, quiet: bool) -> Any:
    """Return the statement of a verified attestation; says what of it was not checked."""
    from hokusai_assets.attestation.verification import verify

    with steps_shown(quiet=quiet) as shown:
        verification = verify(file.read_bytes(), **evidence, on_step=shown.step)
    unchecked = list(verification.not_checked)
    # Without a proof `verify` does not name the log.
    unchecked += ["log"] if evidence["log_proof"] is None else []
    if _is_dry_run(verification.statement):
        click.echo("No mint request: the attestation is a dry run: it attests nothing", err=True)
        raise SystemExit(REJECTED)
    if verification.passed:
        if unchecked:
            click.echo(f"Not checked: {', '.join(unchecked)}", err=True)
        return verification.statement
    for check in verification.checks:
        if check.outcome == "fail" or (check.name == "signature" and check.outcome != "pass"):
            click.echo(f"{check.name}: {printable(check.detail)}", err=True)
    click.echo("No mint request: the attestation is not verified.", err=True)
    raise SystemExit(PLATFORM_FAULT)


def _is_dry_run(statement: Any) -> bool:
    """Tell a statement that says so, also one of no known form otherwise."""
    try:
        return statement["predicate"]["claim"]["dry_run"] is True
    except (LookupError, TypeError):
        return False


def _unsigned(
    statement: Any, verifier: Any, model_id: int, add_to: Path | None, options: dict[str, Any]
) -> "SignedRequest":
    """Return the request, with the signatures that it already has if it is added to."""
    from hokusai_assets.minting.mint_request import RequestTerms, request_of, require_open
    from hokusai_assets.minting.request_file import SignedRequest, parse

    if add_to is None:
        if options["deadline"] is None:
            options = options | {"deadline": int(time.time()) + _ONE_DAY}
        terms = RequestTerms(model_id=model_id, **options)
        return SignedRequest(request_of(statement, terms), verifier)
    if any(options.values()):
        raise click.UsageError("with --add-to the deadline, name and costs are the request's")
    found = parse(add_to.read_bytes())
    terms = RequestTerms(
        model_id=model_id,
        deadline=found.request.deadline,
        pipeline_run_id=found.request.pipeline_run_id,
        max_cost_usd_micro=found.request.max_cost_usd_micro,
        actual_cost_usd_micro=found.request.actual_cost_usd_micro,
    )
    if found.contract != verifier:
        raise click.UsageError(f"{add_to} is for another contract or chain than you name")
    if found.request != request_of(statement, terms):
        raise click.UsageError(f"{add_to} is not what the attestation and --model-id give")
    require_open(found.request.deadline, int(time.time()))
    return found


def _write(path: Path, data: bytes) -> None:
    """Write a file whole: a request that others signed is never left half-written."""
    try:
        replace_file(path, data)
    except OSError as error:
        click.echo(f"{path} can't be written: {error.strerror}", err=True)
        raise SystemExit(PLATFORM_FAULT) from None


def _tell(signed: "SignedRequest", path: Path) -> None:
    console = Console(highlight=False)
    request = signed.request
    gained = request.candidate_score_bps - request.baseline_score_bps
    console.print(
        f"{escape(printable(request.anchors.metric_name))}: {request.baseline_score_bps} to "
        f"{request.candidate_score_bps} of 10000, so {gained} basis points are asked for; "
        f"wallets: {len(request.contributors)}"
    )
    until = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(request.deadline))
    console.print(f"Name: {escape(printable(request.pipeline_run_id))}, valid until {until}")
    console.print(f"Digest: 0x{signed.digest.hex()}")
    for made in signed.signatures:
        console.print(f"Signed by {made.signer}")
    if not signed.signatures:
        console.print("Not signed: sign the digest elsewhere and add it with --signature, or give")
        console.print("a key (--key-file, HOKUSAI_ATTESTER_KEY).")
    console.print(f"Request: {path}", soft_wrap=True)
