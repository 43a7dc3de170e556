"""`hokusai log`: the log of issued attestations, shown, proved from, and checked."""

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.markup import escape

from hokusai_assets.cli.common_options import (
    EXISTING_FILE,
    EXISTING_FOLDER,
    current_settings,
    json_option,
    print_json,
    write_or_print,
)
from hokusai_assets.cli.trust_options import (
    at_option,
    keys_now_and_ever,
    keys_that_count,
    trust_option,
)
from hokusai_assets.cli.verify import MARKS

_folder_option = click.option(
    "--log",
    "folder",
    type=EXISTING_FOLDER,
    help="The log's folder, or a copy of it. Default: this home's.",
)
_key_option = click.option(
    "--public-key",
    type=EXISTING_FILE,
    help="The public key (PEM) that signs the log's checkpoints. Default: this home's own keys.",
)
_since_option = click.option(
    "--since", type=EXISTING_FILE, help="A checkpoint of this log that was kept earlier."
)


@click.group("log")
def command() -> None:
    """Show, prove from and check the log of issued attestations."""


@command.command("show")
@_folder_option
@_key_option
@trust_option
@at_option
@json_option
def show(
    folder: Path | None,
    public_key: Path | None,
    trust: Path | None,
    at: datetime | None,
    as_json: bool,
) -> None:
    """Print the log's checkpoint, the key as note tools take it, and its entries."""
    from hokusai_assets.attestation.checkpoint import verifier_key
    from hokusai_assets.attestation.transparency_log import LogError, entry_of

    log, keys = _log(folder), keys_that_count(public_key, trust, at)
    try:
        lines, checkpoint = log.state()
        entries = [{"index": index, **entry_of(line)} for index, line in enumerate(lines)]
    except LogError as error:
        raise click.ClickException(str(error)) from None
    note = checkpoint.note().decode() if checkpoint else None
    signed = [key for key in keys if checkpoint and checkpoint.is_signed_by(key)]
    verifier = verifier_key(checkpoint.origin, signed[0]) if checkpoint and signed else None
    if as_json:
        print_json(
            {
                "size": len(entries),
                "checkpoint": note,
                "verifier_key": verifier,
                "entries": entries,
            }
        )
        return
    if note is None and not entries:
        click.echo("The log is empty.")
        return
    click.echo(note or "The log has no checkpoint: bring it back from a copy.")
    if verifier:
        click.echo(f"Key: {verifier}")
    for entry in entries:
        click.echo(
            f"{entry['index']:>6}  {entry['benchmark']}  {entry['contribution']}  "
            f"{entry['attestation_hash'][:12]}"
        )


@command.command("prove")
@click.argument("attestation", required=False, type=EXISTING_FILE)
@_since_option
@_folder_option
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Where the proof goes. Default: standard output.",
)
def prove(
    attestation: Path | None, since: Path | None, folder: Path | None, output: Path | None
) -> None:
    """Write the proof that ATTESTATION is in the log, or that the log continues --since.

    `hokusai verify --log-proof` checks the first, `hokusai log check --proof` the second; neither
    needs the log.
    """
    from hokusai_assets.attestation.log_proof import consistency_proof, inclusion_proof
    from hokusai_assets.attestation.transparency_log import LogError, is_continued
    from hokusai_assets.canonical.merkle import leaf_hash

    if (attestation is None) == (since is None):
        raise click.UsageError("give ATTESTATION, or --since CHECKPOINT")
    log = _log(folder)
    try:
        lines, checkpoint = log.state()
    except LogError as error:
        raise click.ClickException(str(error)) from None
    if checkpoint is None:
        raise click.UsageError(f"{log.folder} has no checkpoint: nothing was issued here")
    if not is_continued(checkpoint, [leaf_hash(line) for line in lines]):
        raise click.ClickException(
            f"{log.folder}: its lines are not those of its checkpoint; see `hokusai log check`"
        )
    if attestation is not None:
        proof = inclusion_proof(lines, _index(attestation, lines[: checkpoint.size]), checkpoint)
    else:
        assert since is not None
        earlier = _checkpoint(since)
        if not 1 <= earlier.size <= checkpoint.size:
            raise click.UsageError(f"{since}: it is not of an earlier state of this log")
        proof = consistency_proof(lines, earlier.size, checkpoint)
    text = json.dumps(proof, indent=2, ensure_ascii=False) + "\n"
    write_or_print(text, output)


@command.command("check")
@_since_option
@click.option(
    "--proof",
    type=EXISTING_FILE,
    help="Check this proof (`hokusai log prove --since`) instead of a log's lines.",
)
@_folder_option
@_key_option
@trust_option
@at_option
@json_option
def check(
    since: Path | None,
    proof: Path | None,
    folder: Path | None,
    public_key: Path | None,
    trust: Path | None,
    at: datetime | None,
    as_json: bool,
) -> None:
    """Compute the log's root again, and name contributions that are attested twice.

    With --since, also check that it continues a checkpoint kept earlier, and name only second
    attestations that are younger. Exits 0 when all holds, a key vouches for the checkpoint and
    nothing is attested twice, else 1.
    """
    from hokusai_assets.attestation.check import Check
    from hokusai_assets.attestation.log_check import LogReport, check_log, check_signature
    from hokusai_assets.attestation.log_proof import NoProof, check_consistency
    from hokusai_assets.attestation.transparency_log import LogError

    keys, since_keys = keys_now_and_ever(public_key, trust, at)
    earlier = _checkpoint(since) if since else None
    if proof is not None:
        if earlier is None or not keys:
            raise click.UsageError("--proof needs --since, and --public-key or --trust")
        try:
            found = check_consistency(proof.read_bytes(), earlier, keys)
            past = f"the log of size {found.size:,} continues the one of {earlier.size:,}"
            signed = check_signature("since", earlier, since_keys)
            report = LogReport((Check("past", "pass", past), signed), ())
        except NoProof as error:
            report = LogReport((Check("past", "fail", str(error)),), ())
    else:
        log = _log(folder)
        try:
            report = check_log(
                *log.state(),
                since=earlier,
                keys=keys,
                since_keys=since_keys,
            )
        except LogError as error:
            raise click.ClickException(str(error)) from None
    if as_json:
        print_json(
            {
                "passed": report.passed,
                "checks": [each.to_dict() for each in report.checks],
                "doubly_attested": [list(entries) for entries in report.doubles],
            }
        )
    else:
        _print_report(report)
    raise SystemExit(0 if report.passed else 1)


def _print_report(report: Any) -> None:
    console = Console(highlight=False, soft_wrap=True)
    for each in report.checks:
        console.print(f"{MARKS[each.outcome]} {each.name}: {escape(each.detail)}")
    for entries in report.doubles:
        first = entries[0]
        console.print(
            f"[red]Attested {len(entries)} times[/]: {escape(first['contribution'])} on "
            f"{first['benchmark']}"
        )
        for entry in entries:
            same = "same" if entry["result_hash"] == first["result_hash"] else "another"
            console.print(f"  entry {entry['index']}: {entry['attestation_hash']} ({same} result)")


def _log(folder: Path | None) -> Any:
    from hokusai_assets.attestation.transparency_log import TransparencyLog

    return TransparencyLog(folder or current_settings().log)


def _checkpoint(path: Path) -> Any:
    from hokusai_assets.attestation.checkpoint import NoCheckpoint, parse_checkpoint

    try:
        return parse_checkpoint(path.read_bytes())
    except NoCheckpoint as error:
        raise click.UsageError(f"{path}: {error}") from None


def _index(attestation: Path, lines: list[bytes]) -> int:
    from hokusai_assets.attestation.envelope import NoEnvelope, open_envelope
    from hokusai_assets.attestation.transparency_log import log_line

    try:
        line = log_line(open_envelope(attestation.read_bytes())[1])
    except NoEnvelope as error:
        raise click.UsageError(f"{attestation}: {error}") from None
    except (LookupError, TypeError, ValueError):
        raise click.UsageError(f"{attestation}: it is no attestation of Hokusai") from None
    if line not in lines:
        raise click.ClickException(f"{attestation}: it is not in the log")
    return lines.index(line)
