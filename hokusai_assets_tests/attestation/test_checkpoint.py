"""Checkpoints: Go's signed-note vector, C2SP's example, Sigstore's key id, and what is refused."""

import base64
import hashlib
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.utils import (
    decode_dss_signature,
    encode_dss_signature,
)
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from hypothesis import given
from hypothesis import strategies as st

from hokusai_assets.attestation.checkpoint import (
    Checkpoint,
    NoCheckpoint,
    check_origin,
    key_hash,
    note_signature,
    parse_checkpoint,
    verifier_key,
)
from hokusai_assets.attestation.key_files import dry_run_signer, generate, signer_of
from hokusai_assets.attestation.public_keys import P256_ORDER, parse_public_key, public_pem

# golang.org/x/mod/sumdb/note, note_test.go: seed, verifier key, text and signature.
SEED = base64.b64decode("AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz")[1:]
VERIFIER = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
TEXT = (
    b"If you think cryptography is the answer to your problem,\n"
    b"then you don't know what your problem is.\n"
)
SIGNATURE = (
    "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM="
)
# c2sp.org/tlog-checkpoint, its example.
EXAMPLE = (
    "example.com/behind-the-sofa\n"
    "20852163\n"
    "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"
    "\n"
    "— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/"
    "Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n"
)
# Sigstore's public log, its key of 2021, and the first bytes of the log id its documents name.
REKOR_KEY = """-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE2G2Y+2tabdTV5BcGiBIx0a9fAFwr
kBbmLSGtks4L3qX6yYY0zufBnhC8Ur/iy55GhWP/9A/bY2LhC30M9+RYtw==
-----END PUBLIC KEY-----
"""
REKOR_ID = "c0d23d6a"
KEY = signer_of(Ed25519PrivateKey.from_private_bytes(SEED))


def test_go_signs_the_same_bytes() -> None:
    signed = note_signature(TEXT, "PeterNeumann", KEY)
    assert base64.b64encode(signed).decode() == SIGNATURE
    assert verifier_key("PeterNeumann", KEY.public_key) == VERIFIER
    assert key_hash("PeterNeumann", KEY.public_key).hex() == "c74f20a3"


def test_c2sps_example_is_read_and_written_again() -> None:
    found = parse_checkpoint(EXAMPLE.encode())
    assert (found.origin, found.size) == ("example.com/behind-the-sofa", 20852163)
    assert found.root.hex()[:8] == "0ac5186a"
    assert found.signatures[0][1][:4].hex() == "033de0ae"
    assert found.note().decode() == EXAMPLE


@given(st.integers(0, 2**63 - 1), st.binary(max_size=9))
def test_a_signed_checkpoint_is_read_back_and_verifies(size: int, seed: bytes) -> None:
    signed = Checkpoint("a.log/b", size, hashlib.sha256(seed).digest()).signed(KEY)
    found = parse_checkpoint(signed.note())
    assert found == signed
    assert found.is_signed_by(KEY.public_key)
    assert not found.is_signed_by(generate("ed25519").public_key)


def test_a_signature_of_another_text_name_or_length_does_not_verify() -> None:
    signed = Checkpoint("a.log", 3, bytes(32)).signed(KEY)
    (signature,) = signed.signatures
    for other in (
        Checkpoint("a.log", 4, bytes(32), (signature,)),
        Checkpoint("b.log", 3, bytes(32), (signature,)),
        Checkpoint("a.log", 3, bytes(32), ()),
        Checkpoint("a.log", 3, bytes(32), (("a.log", signature[1][:-1]),)),
        Checkpoint("a.log", 3, bytes(32), (("b.log", signature[1]),)),
    ):
        assert not other.is_signed_by(KEY.public_key)


def test_a_witnesss_signature_beside_the_logs_own_is_kept() -> None:
    witness = ("witness.example", b"\x00\x01\x02\x03" + bytes(72))
    both = Checkpoint("a.log", 3, bytes(32), (witness,)).signed(KEY)
    found = parse_checkpoint(both.note())
    assert [name for name, _ in found.signatures] == ["witness.example", "a.log"]
    assert found.is_signed_by(KEY.public_key)


def test_a_p256_key_is_named_as_in_sigstores_log() -> None:
    key = parse_public_key(REKOR_KEY.encode())
    assert key_hash("rekor.sigstore.dev", key).hex() == REKOR_ID
    name, named, encoded = verifier_key("rekor.sigstore.dev", key).split("+", 2)
    assert (name, named) == ("rekor.sigstore.dev", REKOR_ID)
    typed = base64.b64decode(encoded)
    assert typed[:1] == b"\x02"
    assert base64.b64encode(typed[1:]).decode() == "".join(REKOR_KEY.splitlines()[1:-1])


def test_a_p256_key_signs_a_checkpoint_that_plain_ecdsa_verifies() -> None:
    signer, other = generate("ecdsa-p256"), generate("ecdsa-p256")
    signed = Checkpoint("a.log", 3, bytes(32)).signed(signer)
    found = parse_checkpoint(signed.note())
    assert found.is_signed_by(signer.public_key)
    for stranger in (other, KEY):
        assert not found.is_signed_by(stranger.public_key)
    public = load_pem_public_key(public_pem(signer.public_key))
    assert isinstance(public, ec.EllipticCurvePublicKey)
    public.verify(found.signatures[0][1][4:], found.text, ec.ECDSA(hashes.SHA256()))
    assert not replace(found, size=4).is_signed_by(signer.public_key)


def test_of_two_p256_signatures_that_follow_from_one_another_one_counts() -> None:
    signer = generate("ecdsa-p256")
    signed = Checkpoint("a.log", 3, bytes(32)).signed(signer)
    ((name, signature),) = signed.signatures
    r, s = decode_dss_signature(signature[4:])
    higher = signature[:4] + encode_dss_signature(r, P256_ORDER - s)
    assert not replace(signed, signatures=((name, higher),)).is_signed_by(signer.public_key)


def test_the_published_key_of_dry_runs_signs_no_checkpoint() -> None:
    published = dry_run_signer()
    signed = Checkpoint("a.log", 3, bytes(32)).signed(published)
    assert not signed.is_signed_by(published.public_key)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("20852163", "+20852163"),
        ("20852163", "020852163"),
        ("20852163", "2_0852163"),
        ("20852163", "-1"),
        ("20852163", str(2**64)),
        ("20852163", "9" * 5000),
        ("CsUY", "CsU"),
        ("q2I=", "q2J="),
        ("q2I=", "q2I=\nextension"),
        ("\n\n", "\n"),
        ("— ", "- "),
        ("— ", "—  "),
        ("OAYQ8=\n", "OAYQ8="),
        ("sofa\n", "so fa\n"),
        ("sofa\n", "so+fa\n"),
        ("example.com/behind-the-sofa\n", "\n"),
        ("\n", "\r\n"),
    ],
)
def test_what_is_not_exactly_a_checkpoint_is_refused(old: str, new: str) -> None:
    changed = EXAMPLE.replace(old, new, 1)
    assert changed != EXAMPLE
    with pytest.raises(NoCheckpoint):
        parse_checkpoint(changed.encode())


@pytest.mark.parametrize("data", [b"", b"\xff", b"\n\n", b"a\n1\n\n\n", EXAMPLE.encode() * 999])
def test_other_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(NoCheckpoint):
        parse_checkpoint(data)


@pytest.mark.parametrize("name", ["", "a b", "a+b", "a\n", "x" * 201, "a\u2003b"])
def test_a_name_that_a_note_can_not_hold_is_refused(name: str) -> None:
    with pytest.raises(NoCheckpoint):
        check_origin(name)
