"""`hokusai verify`: check an attestation without trusting who issued it."""

from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.console import Console
from rich.markup import escape

from hokusai_assets.cli.common_options import (
    EXISTING_FILE,
    EXISTING_FOLDER,
    current_settings,
    json_option,
    print_json,
    printable,
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

if TYPE_CHECKING:
    from hokusai_assets.attestation.verification import Verification

MARKS = {
    "pass": "[green]pass[/]       ",
    "fail": "[red]FAIL[/]       ",
    "not checked": "not checked",
}


@click.command("verify")
@click.argument("file", type=EXISTING_FILE)
@public_key_option
@trust_option
@at_option
@predictions_option
@data_option
@predecessors_option
@click.option(
    "--row-proof",
    "row_proofs",
    multiple=True,
    type=EXISTING_FILE,
    help="A row that `hokusai prove-row` opened; may be repeated.",
)
@click.option(
    "--reproduce",
    "make_again",
    is_flag=True,
    help="Make the whole run again and compare it hash by hash. Needs the benchmark's files "
    "(--data) and the contributions' (--contributions, or this home's).",
)
@click.option(
    "--contributions",
    "contribution_folders",
    multiple=True,
    type=EXISTING_FOLDER,
    help="A folder with contributed files, for --reproduce; may be repeated.",
)
@click.option(
    "--history",
    type=EXISTING_FILE,
    help="What was recorded before, in order: `hokusai benchmarks history ID`. For --reproduce.",
)
@log_proof_option
@log_key_option
@json_option
@click.option(
    "--quiet", "-q", is_flag=True, help="Show no progress, and of the result only the last line."
)
def command(
    file: Path,
    public_key: Path | None,
    trust: Path | None,
    at: datetime | None,
    predictions: tuple[Path, ...],
    data_folder: Path | None,
    predecessors: Path | None,
    row_proofs: tuple[Path, ...],
    make_again: bool,
    contribution_folders: tuple[Path, ...],
    history: Path | None,
    log_proof: Path | None,
    log_key: Path | None,
    as_json: bool,
    quiet: bool,
) -> None:
    """Verify the attestation FILE: form, signature, hashes, and that its numbers follow.

    Exits 0 when everything checked holds and the signature was checked, 1 otherwise.
    """
    from hokusai_assets.attestation.verification import verify

    keys = trusted_keys(public_key, trust, at)
    if not make_again and (contribution_folders or history):
        raise click.UsageError("--contributions and --history go with --reproduce")
    settings, data = current_settings(), file.read_bytes()
    with ExitStack() as stack:
        shown = stack.enter_context(steps_shown(quiet=quiet or as_json))
        inputs = None
        if make_again:
            from hokusai_assets.cli.reproduction_inputs import inputs_of

            data_folder = data_folder or settings.data
            inputs = stack.enter_context(
                inputs_of(data, settings, data_folder, contribution_folders, history)
            )
        verification = verify(
            data,
            **keys,
            predictions=predictions,
            data_folder=data_folder,
            row_proofs=row_proofs,
            predecessors=attestations_in(predecessors),
            inputs=inputs,
            log_proof=log_proof.read_bytes() if log_proof else None,
            log_key=load_key(log_key) if log_key else None,
            on_step=shown.step,
        )
    if as_json:
        print_json(
            {
                "file": str(file),
                "verified": verification.passed,
                "not_checked": list(verification.not_checked),
                "checks": [check.to_dict() for check in verification.checks],
            }
        )
    else:
        if not quiet:
            own = public_key is None and trust is None
            _print_checks(verification, own_key=own)
        Console(highlight=False).print(_verdict(verification))
    raise SystemExit(0 if verification.passed else 1)


def _print_checks(verification: "Verification", *, own_key: bool) -> None:
    console = Console(highlight=False)
    for check in verification.checks:
        console.print(f"{MARKS[check.outcome]} {check.name}: {escape(printable(check.detail))}")
    if verification.passed and own_key:
        console.print(
            "The signature is of this home's own key; a stranger gives --public-key or --trust."
        )


def _verdict(verification: "Verification") -> str:
    if not verification.passed:
        return "[bold red]Not verified[/]"
    if verification.not_checked:
        stated = ", ".join(verification.not_checked)
        return f"[bold green]Verified[/], but as stated in: {stated}"
    return "[bold green]Verified[/]"
