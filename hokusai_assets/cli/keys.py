"""`hokusai keys`: make, list, replace and revoke signing keys, and tell verifiers whom to trust."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from hokusai_assets.cli.common_options import (
    PLATFORM_FAULT,
    current_settings,
    json_option,
    print_json,
)
from hokusai_assets.cli.trust_options import today

if TYPE_CHECKING:
    from hokusai_assets.attestation.key_records import KeyRecord

_COLOURS = {"active": "green", "retired": "yellow", "revoked": "red"}
_type_option = click.option(
    "--type",
    "key_type",
    type=click.Choice(["ed25519", "ecdsa-p256"]),
    default="ed25519",
    show_default=True,
    help="Which kind of key.",
)


@click.group("keys")
def command() -> None:
    """Make, list, replace and revoke signing keys; write the policy that verifiers take."""


@command.command("new")
@_type_option
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write the private key to this file (0600, never over another) and its public half beside "
    "it. Default: make this home's own key, which signs from now on.",
)
@json_option
def new(key_type: str, out: Path | None, as_json: bool) -> None:
    """Make a key."""
    from hokusai_assets.attestation.key_files import generate, public_file_of, write_pair
    from hokusai_assets.attestation.signing_key import make_home_key

    keys = current_settings().keys
    with _explained():
        if out is None:
            record = make_home_key(os.environ, keys, key_type, today(), first=True)
            _tell(record, keys / record.source, as_json=as_json)
            return
        if public_file_of(out).exists():
            raise FileExistsError(0, "", public_file_of(out))
        signer = generate(key_type)
        out.parent.mkdir(parents=True, exist_ok=True)
        write_pair(out, signer)
    if as_json:
        files = {"private_key": str(out), "public_key": str(public_file_of(out))}
        print_json({"id": signer.public_key.keyid, "type": key_type} | files)
        return
    click.echo(f"Private key {out}\nPublic key  {public_file_of(out)}")
    click.echo(f"Id          {signer.public_key.keyid}")
    click.echo(f"To sign with it: export HOKUSAI_SIGNING_KEY_FILE={out.resolve()}")


@command.command("list")
@json_option
def list_keys(as_json: bool) -> None:
    """List the keys that this home signs or signed with. Shows no private key."""
    from hokusai_assets.attestation.key_records import read_records
    from hokusai_assets.attestation.public_keys import SHORT_ID, type_of

    keys = current_settings().keys
    with _explained():
        records = read_records(keys)
    if as_json:
        print_json({"folder": str(keys), "keys": [_document(record) for record in records]})
        return
    table = Table("id", "type", "created", "status", "since", "from")
    for column in table.columns[:-1]:
        column.no_wrap = True
    table.columns[-1].overflow = "fold"
    for record in records:
        since = record.revoked or record.retired
        table.add_row(
            record.id[:SHORT_ID],
            type_of(record.key),
            str(record.created),
            f"[{_COLOURS[record.status]}]{record.status}[/]",
            str(since) if since else "",
            escape(f"{record.origin}: {record.source}"),
        )
    console = Console(highlight=False)
    console.print(table)
    for record in records:
        if record.reason:
            console.print(f"{record.id[:SHORT_ID]} revoked: {escape(record.reason)}")
    if not records:
        console.print("No key yet: the first run makes one for development, `hokusai keys new` one")


@command.command("rotate")
@_type_option
@click.option(
    "--given",
    is_flag=True,
    help="The new key is the one that HOKUSAI_SIGNING_KEY or HOKUSAI_SIGNING_KEY_FILE gives now.",
)
@json_option
def rotate(key_type: str, given: bool, as_json: bool) -> None:
    """Replace the active key by a new one. What the old one signed still verifies."""
    from hokusai_assets.attestation.signing_key import make_home_key, take_given_key

    settings = current_settings()
    with _explained():
        if given:
            record = take_given_key(
                os.environ, settings.keys, today(), production=settings.production
            )
            if as_json:
                print_json(_document(record))
            else:
                click.echo(f"Active now: {record.id}, from {record.source}")
        else:
            record = make_home_key(os.environ, settings.keys, key_type, today(), first=False)
            _tell(record, settings.keys / record.source, as_json=as_json)
    if not as_json:
        click.echo("Every other key is retired. Hand verifiers the new policy: hokusai keys trust")


@command.command("revoke")
@click.argument("key_id", metavar="KEYID")
@click.option("--reason", required=True, metavar="TEXT", help="Why; verifiers see it.")
@json_option
def revoke(key_id: str, reason: str, as_json: bool) -> None:
    """Revoke the key KEYID (8 or more digits of its id), for good: nothing it signed verifies."""
    from hokusai_assets.attestation.key_records import revoke as revoke_record

    with _explained():
        record = revoke_record(current_settings().keys, key_id, reason, today())
    if as_json:
        print_json(_document(record))
    else:
        click.echo(f"Revoked {record.id}. Hand verifiers the new policy: hokusai keys trust")


@command.command("trust")
@click.option("--owner", required=True, metavar="NAME", help="Who answers for the keys.")
@click.option(
    "--threshold",
    type=click.IntRange(min=1),
    help="How many of the keys must have signed. Default: as in the policy that is written over, "
    "else 1.",
)
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Where to write; an earlier policy of this home's keys is replaced. Default: standard "
    "output.",
)
def trust(owner: str, threshold: int | None, output: Path | None) -> None:
    """Write the trust policy (YAML) that verifiers give to `hokusai verify --trust`.

    Holds every key of this home with its dates and revocation, also the one that a variable gives
    now; in production mode none that was made for development.
    """
    from hokusai_assets.attestation.key_records import read_records, remember
    from hokusai_assets.attestation.signing_key import given_signer
    from hokusai_assets.attestation.trust_policy import policy_of, policy_yaml
    from hokusai_assets.drafts import replace_file

    settings = current_settings()
    with _explained():
        given = given_signer(os.environ, production=settings.production, today=today())
        if given is not None:
            remember(settings.keys, given[1])
        records = [
            record
            for record in read_records(settings.keys)
            if not (settings.production and record.origin == "development")
        ]
        if not records:
            raise click.UsageError("there is no key yet: hokusai keys new")
        if output is not None and output.exists():
            kept = _threshold_written_over(output, {record.id for record in records})
            threshold = threshold or kept
        threshold = threshold or 1
        text = policy_yaml(policy_of(records, owner, threshold=threshold))
        if output is None:
            click.echo(text, nl=False)
        else:
            replace_file(output, text.encode())
            click.echo(f"Wrote {output}: keys {len(records)}, {threshold} must sign")


def _threshold_written_over(path: Path, own: set[str]) -> int:
    """Return the threshold of a policy that may be written over: it holds no one else's keys."""
    from hokusai_assets.attestation.trust_policy import TrustPolicyError, parse_policy

    try:
        policy = parse_policy(path.read_bytes(), name=str(path))
    except TrustPolicyError:
        raise click.UsageError(f"{path} exists and is no policy: give another --output") from None
    if not {key.id for key in policy.keys} <= own:
        raise click.UsageError(
            f"{path} holds keys that are not this home's: give another --output and join the two"
        )
    return policy.threshold


@command.command("sign")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Where to write. Default: FILE itself.",
)
@json_option
def sign(file: Path, output: Path | None, as_json: bool) -> None:
    """Add a signature to the attestation FILE with the key that signs here.

    For policies that ask for several. What FILE says is checked first; who signed it before is
    not: `hokusai verify` does that.
    """
    from hokusai_assets.attestation.envelope import SigningFailed, sign_also
    from hokusai_assets.attestation.signing_key import load_signer
    from hokusai_assets.attestation.verification import verify
    from hokusai_assets.drafts import replace_file

    settings = current_settings()
    data = file.read_bytes()
    faults = verify(data).faults
    for fault in faults:
        click.echo(fault, err=True)
    if faults:
        click.echo("Not signed.", err=True)
        raise SystemExit(PLATFORM_FAULT)
    with _explained():
        signer = load_signer(
            environment=os.environ,
            keys_folder=settings.keys,
            production=settings.production,
            today=today(),
        )
        try:
            signed = sign_also(data, signer)
        except SigningFailed as error:
            click.echo(str(error), err=True)
            raise SystemExit(PLATFORM_FAULT) from None
        replace_file(output or file, signed)
    if as_json:
        print_json({"file": str(output or file), "signed_by": signer.public_key.keyid})
    else:
        click.echo(f"Signed {output or file} with {signer.public_key.keyid}")


def _tell(record: "KeyRecord", path: Path, *, as_json: bool) -> None:
    from hokusai_assets.attestation.key_files import public_file_of

    public = public_file_of(path)
    if as_json:
        print_json(_document(record) | {"private_key": str(path), "public_key": str(public)})
    else:
        click.echo(f"Active now  {record.id}\nPrivate key {path}\nPublic key  {public}")


def _document(record: "KeyRecord") -> dict[str, Any]:
    from hokusai_assets.attestation.public_keys import type_of

    return record.to_dict() | {"type": type_of(record.key)}


@contextmanager
def _explained() -> Iterator[None]:
    """Tell what can't be done in one sentence: wrong usage, or a platform fault."""
    from hokusai_assets.attestation.key_files import SigningKeyError
    from hokusai_assets.attestation.key_records import DamagedRecords, KeyRecordError
    from hokusai_assets.attestation.trust_policy import TrustPolicyError

    try:
        yield
    except FileExistsError as error:
        raise click.UsageError(f"{error.filename2 or error.filename} exists already") from None
    except DamagedRecords as error:
        click.echo(str(error), err=True)
        raise SystemExit(PLATFORM_FAULT) from None
    except (SigningKeyError, KeyRecordError, TrustPolicyError) as error:
        raise click.UsageError(str(error)) from None
    except OSError as error:
        click.echo(f"{error.filename}: {error.strerror}", err=True)
        raise SystemExit(PLATFORM_FAULT) from None
