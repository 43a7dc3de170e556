"""`hokusai mint-request`: what an attestation entitles to, signed for a contract."""

import os
import time
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console
from rich.markup import escape

from hokusai_assets.cli.common_options import PLATFORM_FAULT, REJECTED, json_option, print_json
from hokusai_assets.cli.trust_options import (
    at_option,
    public_key_option,
    trust_option,
    trusted_keys,
)

if TYPE_CHECKING:
    from hokusai_assets.minting.request_file import SignedRequest

_ONE_DAY = 86_400
_count = click.IntRange(min=0)
_file = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command("mint-request")
@click.argument("file", metavar="ATTESTATION", type=_file)
@click.option("--contract", required=True, metavar="ADDR", help="Address of the verifier contract.")
@click.option(
    "--chain-id", required=True, type=_count, metavar="N", help="EIP-155 id of its chain."
)
@click.option(
    "--model-id", required=True, type=_count, metavar="N", help="Its number of the model."
)
@click.option("--deadline", type=_count, metavar="UNIX", help="Valid until; default: for a day.")
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
@click.option(
    "--key-file",
    "key_files",
    multiple=True,
    type=_file,
    help="An attester's private key, 64 hex digits, mode 0600 (repeat for several). "
    "Default: HOKUSAI_ATTESTER_KEY or HOKUSAI_ATTESTER_KEY_FILE; without a key nothing is signed.",
)
@click.option(
    "--signature",
    "signatures",
    multiple=True,
    metavar="HEX",
    help="An attester's signature over the digest, made elsewhere (repeat for several).",
)
@click.option(
    "--add-to",
    type=_file,
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
def command(
    file: Path,
    contract: str,
    chain_id: int,
    model_id: int,
    public_key: Path | None,
    trust: Path | None,
    at: datetime | None,
    key_files: tuple[Path, ...],
    signatures: tuple[str, ...],
    add_to: Path | None,
    output: Path | None,
    as_json: bool,
    **terms: Any,
) -> None:
    """Make a mint request of ATTESTATION for a contract, and sign it (EIP-712).

    The attestation is verified first. Of what is not accepted, a dry run, or pays nothing there is
    no request (exit code 3). Several attesters sign by turns with --add-to.
    """
    from hokusai_assets.minting.attester_key import AttesterKeyError, load_attesters
    from hokusai_assets.minting.contracts_extra import ContractsExtraMissing
    from hokusai_assets.minting.mint_request import NoMintRequest, VerifierContract
    from hokusai_assets.minting.request_file import NotARequestFile, to_bytes
    from hokusai_assets.minting.typed_data import NotASignature, sign, signature_on

    path = output or add_to or file.with_name(f"{file.name.removesuffix('.dsse.json')}.mint.json")
    if path.exists() and path != add_to:
        raise click.UsageError(f"{path} exists: give --add-to to sign it too, or another --output")
    try:
        verifier = VerifierContract(chain_id, contract)
    except NoMintRequest as error:
        raise click.UsageError(str(error)) from None
    statement = _verified(file, trusted_keys(public_key, trust, at))
    try:
        signed = _unsigned(statement, verifier, model_id, add_to, terms)
        accounts = load_attesters(environment=os.environ, files=key_files)
        signed = signed.signed_also(
            [sign(signed.digest, account) for account in accounts]
            + [signature_on(signed.digest, text) for text in signatures]
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


def _verified(file: Path, keys: dict[str, Any]) -> Any:
    from hokusai_assets.attestation.verification import verify

    verification = verify(file.read_bytes(), **keys)
    if verification.passed:
        return verification.statement
    for check in verification.checks:
        if check.outcome == "fail" or (check.name == "signature" and check.outcome != "pass"):
            click.echo(f"{check.name}: {check.detail}", err=True)
    click.echo("No mint request: the attestation is not verified.", err=True)
    raise SystemExit(PLATFORM_FAULT)


def _unsigned(
    statement: Any, verifier: Any, model_id: int, add_to: Path | None, options: dict[str, Any]
) -> "SignedRequest":
    """Return the request, with the signatures that it already has if it is added to."""
    from hokusai_assets.minting.mint_request import RequestTerms, request_of
    from hokusai_assets.minting.request_file import SignedRequest, parse

    if add_to is None:
        now = int(time.time())
        deadline = now + _ONE_DAY if options["deadline"] is None else options["deadline"]
        if deadline <= now:
            raise click.UsageError("--deadline is not in the future; it is a Unix time in seconds")
        terms = RequestTerms(model_id=model_id, **(options | {"deadline": deadline}))
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
    return found


def _write(path: Path, data: bytes) -> None:
    """Write a file whole: a request that others signed is never left half-written."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        draft.write_bytes(data)
        draft.replace(path)
    except OSError as error:
        click.echo(f"{path} can't be written: {error.strerror}", err=True)
        raise SystemExit(PLATFORM_FAULT) from None


def _tell(signed: "SignedRequest", path: Path) -> None:
    console = Console(highlight=False)
    request = signed.request
    gained = request.candidate_score_bps - request.baseline_score_bps
    console.print(
        f"{request.anchors.metric_name}: {request.baseline_score_bps} to "
        f"{request.candidate_score_bps} of 10000, so {gained} basis points are asked for; "
        f"wallets: {len(request.contributors)}"
    )
    until = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(request.deadline))
    console.print(f"Name: {escape(request.pipeline_run_id)}, valid until {until}")
    console.print(f"Digest: 0x{signed.digest.hex()}")
    for made in signed.signatures:
        console.print(f"Signed by {made.signer}")
    if not signed.signatures:
        console.print("Not signed: sign the digest elsewhere and add it with --signature, or give")
        console.print("a key (--key-file, HOKUSAI_ATTESTER_KEY).")
    console.print(f"Request: {path}", soft_wrap=True)
