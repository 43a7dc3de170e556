"""Attestations that earlier versions issued: every later version verifies them.

Made by `hokusai evaluate` and never made again. A change that breaks one breaks every attestation
that is out: it needs a new schema version, and a verifier that still reads the old one.
"""

import hashlib
from pathlib import Path

import pytest

from hokusai_assets.attestation.public_keys import load_public_key
from hokusai_assets.attestation.verification import verify

from .changed_statements import details

GOLDEN = Path(__file__).with_name("golden")
# By name, the SHA-256 of the file: so that none is quietly made anew.
FILES = {
    "accepted-alone": "cbaba2a5c03994836294abde986b65d1f6de5ce8c5c2ec65f4c541bb6d9aa5a1",
    "accepted-in-turn": "8bdef88c4c5636a6539fb65aa0ad54f784979cc3c3d2063a1ff2b938c830e25a",
    "p256": "02a230ec1bcaeba2f5199bf5c929cc9aa4edcbbde507b3a2538a489efaf36236",
    "private-refused": "4ff10ebb4e42b32ca23ab49ebaf75e12c5a50746c5e0d5805f332cf8fe151ff9",
}


def test_none_was_changed_or_left_out():
    assert {path.name.removesuffix(".dsse.json") for path in GOLDEN.glob("*.json")} == set(FILES)
    for name, digest in FILES.items():
        data = (GOLDEN / f"{name}.dsse.json").read_bytes()
        assert hashlib.sha256(data).hexdigest() == digest, name


@pytest.mark.parametrize("name", FILES)
def test_it_verifies(name: str):
    verification = verify(
        (GOLDEN / f"{name}.dsse.json").read_bytes(),
        public_key=load_public_key(GOLDEN / f"{name}.pem"),
    )
    assert verification.passed, details(verification)


def test_together_they_hold_what_attestations_may_hold():
    claims = {}
    for name in FILES:
        statement = verify((GOLDEN / f"{name}.dsse.json").read_bytes()).statement
        assert statement is not None
        claims[name] = statement["predicate"]["claim"]
    settled = {name: claim["settlement"] for name, claim in claims.items()}
    assert settled["accepted-in-turn"]["accepted_before"] != []
    assert settled["accepted-alone"]["delta_one"]["payable_bps"] > 0
    assert settled["private-refused"]["measurement"] is None
    refused = claims["private-refused"]["result"]
    assert refused["estimator"]["seeds"] == 2
    assert {row["kind"] for row in refused["measurement"]["groups"]} == {"class", "slice"}
