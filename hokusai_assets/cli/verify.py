"""`hokusai verify`: check an attestation without trusting who issued it."""

from pathlib import Path

import click
from rich.console import Console
from rich.markup import escape

from hokusai_assets.cli.common_options import current_settings, json_option, print_json

MARKS = {
    "pass": "[green]pass[/]       ",
    "fail": "[red]FAIL[/]       ",
    "not checked": "not checked",
}


@click.command("verify")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--public-key",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The issuer's public key (PEM), got by a way you trust. Default: this home's own key.",
)
@click.option(
    "--predictions",
    multiple=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A per-row Parquet file (repeat for the settlement's own): checks the commitments and "
    "computes every metric again.",
)
@click.option(
    "--log-proof",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A proof (`hokusai log prove`) that it is in the issuer's log.",
)
@click.option(
    "--log-key",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The public key (PEM) that signs the log's checkpoints, if it is not the issuer's.",
)
@json_option
def command(
    file: Path,
    public_key: Path | None,
    predictions: tuple[Path, ...],
    log_proof: Path | None,
    log_key: Path | None,
    as_json: bool,
) -> None:
    """Verify the attestation FILE: form, signature, hashes, and that its numbers follow.

    Exits 0 when everything checked holds and the signature was checked, 1 otherwise.
    """
    from hokusai_assets.attestation.signing_key import (
        PUBLIC_KEY_FILE,
        SigningKeyError,
        load_public_key,
    )
    from hokusai_assets.attestation.verification import verify

    own = current_settings().keys / PUBLIC_KEY_FILE
    path = public_key or (own if own.is_file() else None)
    try:
        key = load_public_key(path) if path else None
        key_of_log = load_public_key(log_key) if log_key else None
    except SigningKeyError as error:
        raise click.UsageError(str(error)) from None
    verification = verify(
        file.read_bytes(),
        public_key=key,
        predictions=predictions,
        log_proof=log_proof.read_bytes() if log_proof else None,
        log_key=key_of_log,
    )
    if as_json:
        print_json(
            {
                "file": str(file),
                "verified": verification.passed,
                "checks": [check.to_dict() for check in verification.checks],
            }
        )
    else:
        console = Console(highlight=False)
        for check in verification.checks:
            console.print(f"{MARKS[check.outcome]} {check.name}: {escape(check.detail)}")
        if verification.passed and public_key is None:
            console.print("The signature is of this home's own key; a stranger gives --public-key.")
        word = "[bold green]Verified[/]" if verification.passed else "[bold red]Not verified[/]"
        console.print(word)
    raise SystemExit(0 if verification.passed else 1)
