"""`hokusai verify`: check an attestation without trusting who issued it."""

from datetime import datetime
from pathlib import Path

import click
from rich.console import Console
from rich.markup import escape

from hokusai_assets.cli.common_options import json_option, print_json
from hokusai_assets.cli.trust_options import (
    at_option,
    public_key_option,
    trust_option,
    trusted_keys,
)

_MARKS = {
    "pass": "[green]pass[/]       ",
    "fail": "[red]FAIL[/]       ",
    "not checked": "not checked",
}


@click.command("verify")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@public_key_option
@trust_option
@at_option
@click.option(
    "--predictions",
    multiple=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A per-row Parquet file (repeat for the settlement's own): checks the commitments and "
    "computes every metric again.",
)
@json_option
def command(
    file: Path,
    public_key: Path | None,
    trust: Path | None,
    at: datetime | None,
    predictions: tuple[Path, ...],
    as_json: bool,
) -> None:
    """Verify the attestation FILE: form, signature, hashes, and that its numbers follow.

    Exits 0 when everything checked holds and the signature was checked, 1 otherwise.
    """
    from hokusai_assets.attestation.verification import verify

    keys = trusted_keys(public_key, trust, at)
    verification = verify(file.read_bytes(), **keys, predictions=predictions)
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
            console.print(f"{_MARKS[check.outcome]} {check.name}: {escape(check.detail)}")
        if verification.passed and public_key is None and trust is None:
            console.print(
                "The signature is of this home's own key; a stranger gives --public-key or --trust."
            )
        word = "[bold green]Verified[/]" if verification.passed else "[bold red]Not verified[/]"
        console.print(word)
    raise SystemExit(0 if verification.passed else 1)
