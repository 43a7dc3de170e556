"""Which key signs: the operator's, one in a key service, the home's own, or a development key."""

import contextlib
from collections.abc import Mapping
from datetime import date
from pathlib import Path

from securesystemslib.exceptions import UnsupportedAlgorithmError, UnsupportedLibraryError
from securesystemslib.signer import (  # type: ignore[attr-defined]
    ECDSA_SHA2_NISTP256,
    AWSSigner,
    Signer,
)

from hokusai_assets.attestation.key_files import (
    DEVELOPMENT_NOTE,
    SigningKeyError,
    generate,
    parse_private_key,
    public_file_of,
    read_private_key,
    write_pair,
)
from hokusai_assets.attestation.key_records import (
    DEVELOPMENT_FILE,
    KeyRecord,
    find_record,
    read_records,
    record_of,
    remember,
    succeed,
)
from hokusai_assets.attestation.public_keys import (
    SHORT_ID,
    KeyType,
    PublicKeyError,
    is_dry_run_key,
    parse_public_key,
    public_pem,
)
from hokusai_assets.drafts import replace_file

KEY_VARIABLE = "HOKUSAI_SIGNING_KEY"
KEY_FILE_VARIABLE = "HOKUSAI_SIGNING_KEY_FILE"
_KMS = f"{AWSSigner.SCHEME}:"
_GIVE = (
    f"set {KEY_VARIABLE} or {KEY_FILE_VARIABLE} (`hokusai keys new --out FILE` makes a key), or "
    "make the home's own: `hokusai keys new`"
)


def load_signer(
    *, environment: Mapping[str, str], keys_folder: Path, production: bool, today: date
) -> Signer:
    """Return what signs, and enter its key into the home's records at its first use.

    Looked for in ``HOKUSAI_SIGNING_KEY`` (``awskms:`` and a key's id, alias or ARN; else PKCS #8
    PEM, or base64 of the 32 raw bytes of an Ed25519 key), then ``HOKUSAI_SIGNING_KEY_FILE`` (PEM
    or base64), then the home's own key, then a development key that is made at first use.

    Raises:
        SigningKeyError: there is no key, the one that was given can't be used, it was retired,
            revoked or published; or, in production mode, it is a development key or in a file
            that others can read.
        DamagedRecords: the home's records are damaged.
    """
    records = read_records(keys_folder)
    found = given_signer(environment, production=production, today=today)
    signer, record = found or _home_signer(records, keys_folder, production=production, today=today)
    _refuse(find_record(records, record.id) or record, production)
    remember(keys_folder, record)
    return signer


def given_signer(
    environment: Mapping[str, str], *, production: bool, today: date
) -> tuple[Signer, KeyRecord] | None:
    """Return what signs with the key that a variable gives, and a record for it; else None.

    Raises:
        SigningKeyError: what is given can't be used, or it is the published key of dry runs.
    """
    found = _in_environment(environment, production=production, today=today)
    if found is not None and is_dry_run_key(found[1].key):
        raise SigningKeyError(f"the signing key is the published key of dry runs; {_GIVE}")
    return found


def _in_environment(
    environment: Mapping[str, str], *, production: bool, today: date
) -> tuple[Signer, KeyRecord] | None:
    text, path = environment.get(KEY_VARIABLE), environment.get(KEY_FILE_VARIABLE)
    if text and text.startswith(_KMS):
        kms = _kms_signer(text.strip().removeprefix(_KMS))
        return kms, record_of(kms.public_key, "kms", text.strip(), today)
    if text:
        data = text.encode("utf-8", "surrogateescape")
        signer = parse_private_key(data, KEY_VARIABLE, production=production)
        return signer, record_of(signer.public_key, "given", KEY_VARIABLE, today)
    if path:
        signer = read_private_key(Path(path), KEY_FILE_VARIABLE, production=production)
        return signer, record_of(signer.public_key, "given", path, today)
    return None


def make_home_key(
    environment: Mapping[str, str], folder: Path, key_type: KeyType, today: date, *, first: bool
) -> KeyRecord:
    """Make the home's own key, which signs from now on; every other active key is retired.

    Args:
        environment: must give no key, since that one would still sign.
        folder: the keys folder.
        key_type: which kind.
        today: from when it counts.
        first: refuse if the home has such a key; to replace one is a rotation.

    Raises:
        SigningKeyError: a variable gives the key, or the home has one.
    """
    for name in (KEY_VARIABLE, KEY_FILE_VARIABLE):
        if environment.get(name):
            raise SigningKeyError(
                f"{name} gives the key that signs: make the next one with `hokusai keys new "
                f"--out FILE` or in the key service, set {name} to it, then `hokusai keys rotate "
                "--given`"
            )
    own = _active_home_key(read_records(folder))
    if first and own is not None:
        raise SigningKeyError(
            f"the home has the key {own.id[:SHORT_ID]}; `hokusai keys rotate` replaces it"
        )
    signer = generate(key_type)
    key = signer.public_key
    path = folder / f"signing.{key.keyid[:SHORT_ID]}.pem"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    write_pair(path, signer)
    record = record_of(key, "home", path.name, today)
    succeed(folder, record, today)
    return record


def take_given_key(
    environment: Mapping[str, str], folder: Path, today: date, *, production: bool
) -> KeyRecord:
    """Make the key that a variable gives the only active one.

    Raises:
        SigningKeyError: none is given, or it can't be used.
    """
    found = given_signer(environment, production=production, today=today)
    if found is None:
        raise SigningKeyError(f"no key is given: set {KEY_VARIABLE} or {KEY_FILE_VARIABLE}")
    record = find_record(read_records(folder), found[1].id) or found[1]
    _refuse(record, production)
    succeed(folder, record, today)
    return record


def _refuse(record: KeyRecord, production: bool) -> None:
    name = f"the signing key {record.id[:SHORT_ID]}"
    if record.status != "active":
        raise SigningKeyError(f"{name} is {record.status}; {_GIVE}")
    if production and record.origin == "development":
        raise SigningKeyError(f"{name} was made for development; {_GIVE}")


def _active_home_key(records: tuple[KeyRecord, ...]) -> KeyRecord | None:
    own = [record for record in records if (record.origin, record.status) == ("home", "active")]
    return own[-1] if own else None


def _home_signer(
    records: tuple[KeyRecord, ...], folder: Path, *, production: bool, today: date
) -> tuple[Signer, KeyRecord]:
    own = _active_home_key(records)
    if own is not None:
        path = folder / own.source
        signer = read_private_key(path, str(path), production=production)
        if signer.public_key.keyid != own.id:
            raise SigningKeyError(f"{path} is not the key {own.id[:SHORT_ID]} that it was; {_GIVE}")
        return signer, own
    if production:
        raise SigningKeyError(f"production mode signs only with a given key: {_GIVE}")
    if any(record.origin == "home" for record in records):
        raise SigningKeyError("the home's keys are retired or revoked: `hokusai keys rotate`")
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = folder / DEVELOPMENT_FILE
    if not path.exists():
        # If another process was first, its key is the one that is read.
        with contextlib.suppress(FileExistsError):
            write_pair(path, generate("ed25519"), note=DEVELOPMENT_NOTE)
    signer = read_private_key(path, str(path), production=False)
    replace_file(public_file_of(path), public_pem(signer.public_key))
    return signer, record_of(signer.public_key, "development", path.name, today)


def _kms_signer(key_name: str) -> AWSSigner:
    """Return what signs by AWS KMS, asked for the public key once.

    Region, credentials and address are those of the AWS client: ``AWS_REGION``,
    ``AWS_ENDPOINT_URL`` and so on. Of the key's policy it needs ``kms:GetPublicKey`` and
    ``kms:Sign``.
    """
    try:
        _, key = AWSSigner.import_(key_name, ECDSA_SHA2_NISTP256)
        # P-256 is not told from secp256k1 by the algorithm that KMS names.
        key = parse_public_key(key.keyval["public"].encode())
        return AWSSigner(key_name, key)
    except UnsupportedLibraryError:
        raise SigningKeyError(
            f"{KEY_VARIABLE} names a key in AWS KMS, which needs the extra `kms`: "
            "pip install 'hokusai-assets[kms]'"
        ) from None
    except (UnsupportedAlgorithmError, PublicKeyError):
        raise SigningKeyError(
            f"{KEY_VARIABLE}: {_KMS}{key_name} is no key that signs by ECDSA P-256; make one of "
            "the type ECC_NIST_P256 for SIGN_VERIFY"
        ) from None
    except Exception as error:  # the client's errors can't be named where it isn't installed
        code = getattr(error, "response", {}).get("Error", {}).get("Code", type(error).__name__)
        raise SigningKeyError(
            f"{KEY_VARIABLE}: AWS KMS gave no public key of {_KMS}{key_name} ({code}); see its "
            "region, credentials (kms:GetPublicKey, kms:Sign) and the key's name"
        ) from None
