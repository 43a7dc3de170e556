"""`hokusai log`, `hokusai verify --log-proof` and `hokusai export` as their users run them."""

import json
import os
import stat
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from click.testing import CliRunner, Result

from hokusai_assets.attestation.envelope import sign_statement
from hokusai_assets.attestation.key_files import generate
from hokusai_assets.attestation.key_records import record_of, remember, revoke, succeed
from hokusai_assets.attestation.public_keys import public_pem
from hokusai_assets.attestation.transparency_log import TransparencyLog, log_line
from hokusai_assets.cli.main import main
from hokusai_assets_tests.attestation.logged_entries import line_of
from hokusai_assets_tests.attestation.measured_contribution import (
    SIGNING_KEY,
    measured_contribution,
    resign,
    write_predictions,
)
from hokusai_assets_tests.attestation.test_zk_output import VALIDATOR, assert_is_recomputed

TODAY = datetime.now(UTC).date()
SINCE = TODAY - timedelta(days=9)


@dataclass(frozen=True)
class Measured:
    """A measured contribution's files, which no test changes."""

    root: Path
    attestation: bytes
    statement: dict[str, Any]
    predictions: Path
    columns: list[str]


@dataclass(frozen=True)
class Home:
    """An issuer's home with a log of two entries, the second the attestation's."""

    folder: Path
    data: Path
    attestation: Path
    key: Path

    @property
    def log(self) -> TransparencyLog:
        return TransparencyLog(self.folder / "log")

    def hokusai(self, *arguments: object, home: Path | None = None) -> Result:
        environment = {name: None for name in os.environ if name.startswith("HOKUSAI_")}
        return CliRunner().invoke(
            main,
            list(map(str, arguments)),
            env=environment
            | {"HOKUSAI_HOME": str(home or self.folder), "HOKUSAI_DATA": str(self.data)},
        )

    def printed(self, *arguments: object, code: int = 0) -> dict[str, Any]:
        done = self.hokusai(*arguments)
        assert done.exit_code == code, done.output
        return json.loads(done.stdout)


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Measured:
    root = tmp_path_factory.mktemp("measured")
    parts = measured_contribution(root)
    statement = parts.statement()
    path = write_predictions(parts, root / "predictions.parquet", lambda table: table)
    names = sorted(parts.contributed.rows.table.column_names)
    return Measured(root, resign(statement), statement, path, names)


@pytest.fixture
def home(tmp_path: Path, measured: Measured) -> Home:
    folder = tmp_path / "home"
    attestation = tmp_path / "one.dsse.json"
    attestation.write_bytes(measured.attestation)
    remember(folder / "keys", record_of(SIGNING_KEY.public_key, "given", "a file", SINCE))
    key = tmp_path / "issuer.pem"
    key.write_bytes(public_pem(SIGNING_KEY.public_key))
    issuer = Home(folder, measured.root, attestation, key)
    issuer.log.append(line_of(0), SIGNING_KEY)
    issuer.log.append(log_line(measured.statement), SIGNING_KEY)
    return issuer


def test_a_stranger_verifies_that_an_attestation_is_in_the_log(home: Home, tmp_path: Path):
    proof = tmp_path / "proof.json"
    assert home.hokusai("log", "prove", home.attestation, "-o", proof).exit_code == 0
    assert set(json.loads(proof.read_text())) == {"index", "size", "path", "checkpoint"}
    stranger = tmp_path / "stranger"
    verify = ("verify", home.attestation, "--log-proof", proof, "--public-key", home.key)
    done = home.hokusai(*verify, home=stranger)
    assert done.exit_code == 0, done.output
    assert "of size 2" in done.output.replace("\n", " ")
    document = json.loads(proof.read_text())
    proof.write_text(json.dumps(document | {"index": 0}))
    done = home.hokusai(*verify, home=stranger)
    assert done.exit_code == 1
    assert "does not lead" in done.output


def test_the_log_may_be_signed_by_a_key_of_its_own(home: Home, tmp_path: Path, measured: Measured):
    other = generate("ed25519")
    home.log.append(line_of(1), other)
    log_key, proof = tmp_path / "log.pem", tmp_path / "proof.json"
    log_key.write_bytes(public_pem(other.public_key))
    home.hokusai("log", "prove", home.attestation, "-o", proof)
    verify = ("verify", home.attestation, "--log-proof", proof, "--public-key", home.key)
    assert home.hokusai(*verify).exit_code == 1
    assert home.hokusai(*verify, "--log-key", log_key).exit_code == 0


def test_a_co_signed_attestation_has_the_same_proof(home: Home, tmp_path: Path, measured: Measured):
    alone, both = tmp_path / "alone.json", tmp_path / "both.json"
    home.hokusai("log", "prove", home.attestation, "-o", alone)
    home.attestation.write_bytes(
        sign_statement(measured.statement, SIGNING_KEY, generate("ecdsa-p256"))
    )
    home.hokusai("log", "prove", home.attestation, "-o", both)
    assert alone.read_bytes() == both.read_bytes()
    verify = ("verify", home.attestation, "--log-proof", alone, "--public-key", home.key)
    done = home.hokusai(*verify)
    assert done.exit_code == 0, done.output


def test_an_attestation_that_is_not_in_the_log_has_no_proof(
    home: Home, tmp_path: Path, measured: Measured
):
    elsewhere = Home(tmp_path / "other", home.data, home.attestation, home.key)
    assert "nothing was issued here" in elsewhere.hokusai("log", "prove", home.attestation).output
    elsewhere.log.append(line_of(0), SIGNING_KEY)
    done = elsewhere.hokusai("log", "prove", home.attestation)
    assert done.exit_code == 1
    assert "not in the log" in done.output
    home.attestation.write_text("{}")
    done = home.hokusai("log", "prove", home.attestation)
    assert done.exit_code == 2
    assert "envelope" in done.output


def test_a_log_that_is_cut_proves_nothing(home: Home):
    path = home.folder / "log" / "attestations.jsonl"
    path.write_bytes(home.log.lines()[0] + b"\n")
    done = home.hokusai("log", "prove", home.attestation)
    assert done.exit_code == 1
    assert "not those of its checkpoint" in done.output.replace("\n", " ")
    assert home.hokusai("log", "check").exit_code == 1


def test_show_tells_checkpoint_key_and_entries(home: Home):
    shown = home.printed("log", "show", "--json")
    assert shown["size"] == 2
    assert [entry["index"] for entry in shown["entries"]] == [0, 1]
    origin = shown["checkpoint"].splitlines()[0]
    assert shown["verifier_key"].startswith(f"{origin}+")
    done = home.hokusai("log", "show")
    assert shown["checkpoint"] in done.output
    assert shown["entries"][1]["contribution"] in done.output


def test_lines_without_a_checkpoint_are_shown_and_told(home: Home):
    (home.folder / "log" / "checkpoint").unlink()
    done = home.hokusai("log", "show")
    assert "no checkpoint" in done.output
    assert "     1  " in done.output


def test_the_key_shown_is_the_one_that_signed(home: Home, tmp_path: Path):
    shown = home.printed("log", "show", "--json")
    other = generate("ed25519").public_key
    remember(home.folder / "keys", record_of(other, "given", "a file", TODAY))
    assert home.printed("log", "show", "--json") == shown
    path = tmp_path / "other.pem"
    path.write_bytes(public_pem(other))
    assert home.printed("log", "show", "--public-key", path, "--json")["verifier_key"] is None


def test_a_key_that_was_revoked_counts_for_nothing(home: Home):
    revoke(home.folder / "keys", SIGNING_KEY.public_key.keyid, "stolen", TODAY)
    shown = home.printed("log", "show", "--json")
    assert shown["verifier_key"] is None
    document = home.printed("export", home.attestation, "--format", "zk-output")
    assert document["attestation"]["verification_key"] is None
    assert home.hokusai("verify", home.attestation).exit_code == 1


def test_an_empty_log_shows_and_vouches_for_nothing(home: Home, tmp_path: Path):
    empty = Home(tmp_path / "empty", home.data, home.attestation, home.key)
    assert "empty" in empty.hokusai("log", "show").output
    done = empty.hokusai("log", "check")
    assert done.exit_code == 1
    assert "nothing was issued here" in done.output
    folder = tmp_path / "nothing"
    folder.mkdir()
    done = home.hokusai("log", "check", "--log", folder, "--public-key", home.key)
    assert done.exit_code == 1
    assert "no checkpoint that the key could have signed" in done.output


def test_a_made_up_log_without_a_signature_does_not_check(home: Home, tmp_path: Path):
    made_up = TransparencyLog(tmp_path / "made_up")
    made_up.append(line_of(0), None)
    stranger = tmp_path / "stranger"
    check = ("log", "check", "--log", made_up.folder)
    done = home.hokusai(*check, home=stranger)
    assert done.exit_code == 1
    assert "signature: no key counts" in done.output
    assert home.hokusai(*check, "--public-key", home.key, home=stranger).exit_code == 1
    (made_up.folder / "checkpoint").unlink()
    assert home.hokusai(*check, home=stranger).exit_code == 1
    # The true one checks with its key, and with none it does not.
    true = ("log", "check", "--log", home.log.folder)
    assert home.hokusai(*true, "--public-key", home.key, home=stranger).exit_code == 0
    assert home.hokusai(*true, home=stranger).exit_code == 1


def test_a_monitor_keeps_a_checkpoint_and_is_told_of_what_came_since(home: Home, tmp_path: Path):
    kept = tmp_path / "kept"
    kept.write_bytes((home.folder / "log" / "checkpoint").read_bytes())
    home.log.append(line_of(2), SIGNING_KEY)
    first = home.printed("log", "check", "--since", kept, "--json")
    assert {check["name"]: check["outcome"] for check in first["checks"]} == dict.fromkeys(
        ("lines", "root", "signature", "past", "since"), "pass"
    )
    home.log.append(line_of(0, attested=1), SIGNING_KEY)
    again = home.printed("log", "check", "--since", kept, "--json", code=1)
    ((one, two),) = again["doubly_attested"]
    assert (one["index"], two["index"]) == (0, 3)
    assert "Attested 2 times" in home.hokusai("log", "check").output
    # A monitor who has seen it keeps a younger checkpoint.
    kept.write_bytes((home.folder / "log" / "checkpoint").read_bytes())
    assert home.hokusai("log", "check", "--since", kept).exit_code == 0


def test_a_monitor_goes_on_after_the_issuers_key_was_replaced(home: Home, tmp_path: Path):
    kept, policy = tmp_path / "kept", tmp_path / "policy.yaml"
    kept.write_bytes((home.folder / "log" / "checkpoint").read_bytes())
    later, yesterday = generate("ecdsa-p256"), TODAY - timedelta(days=1)
    succeed(home.folder / "keys", record_of(later.public_key, "given", "a file", TODAY), yesterday)
    home.log.append(line_of(2), later)
    assert home.hokusai("keys", "trust", "--owner", "Issuer", "-o", policy).exit_code == 0
    stranger = tmp_path / "stranger"
    check = ("log", "check", "--log", home.log.folder, "--trust", policy)
    done = home.hokusai(*check, "--since", kept, home=stranger)
    assert done.exit_code == 0, done.output
    # With the retired key alone, whose day is over, nobody vouches for what came since.
    done = home.hokusai(*check[:4], "--public-key", home.key, "--since", kept, home=stranger)
    assert done.exit_code == 1
    shown = home.hokusai("log", "show", "--log", home.log.folder, "--trust", policy, home=stranger)
    assert "Key: " in shown.output
    # A checkpoint that only the retired key signed is of no day on which that one counts.
    (home.folder / "log" / "checkpoint").write_bytes(kept.read_bytes())
    assert home.hokusai(*check, home=stranger).exit_code == 1
    assert home.hokusai(*check, "--at", yesterday.isoformat(), home=stranger).exit_code == 0


def test_a_monitor_without_the_log_checks_a_consistency_proof(home: Home, tmp_path: Path):
    kept, proof = tmp_path / "kept", tmp_path / "proof.json"
    kept.write_bytes((home.folder / "log" / "checkpoint").read_bytes())
    home.log.append(line_of(2), SIGNING_KEY)
    assert home.hokusai("log", "prove", "--since", kept, "-o", proof).exit_code == 0
    stranger = tmp_path / "stranger"
    check = ("log", "check", "--since", kept, "--proof", proof)
    assert home.hokusai(*check, "--public-key", home.key, home=stranger).exit_code == 0
    assert home.hokusai(*check, home=stranger).exit_code == 2
    document = json.loads(proof.read_text())
    proof.write_text(json.dumps(document | {"path": document["path"][1:]}))
    assert home.hokusai(*check, "--public-key", home.key, home=stranger).exit_code == 1


def test_a_rewritten_log_fails_even_if_it_is_signed_anew(home: Home, tmp_path: Path):
    kept = tmp_path / "kept"
    kept.write_bytes((home.folder / "log" / "checkpoint").read_bytes())
    rewritten = TransparencyLog(tmp_path / "rewritten")
    rewritten.folder.mkdir()
    origin = (home.folder / "log" / "origin").read_bytes()
    (rewritten.folder / "origin").write_bytes(origin)
    for line in (line_of(0, attested=1), *home.log.lines()[1:]):
        rewritten.append(line, SIGNING_KEY)
    arguments = ("log", "check", "--log", rewritten.folder, "--since", kept)
    done = home.hokusai(*arguments)
    assert done.exit_code == 1
    assert "does not continue the earlier checkpoint" in done.output.replace("\n", " ")
    # What does not continue it can't be proved to.
    proof = tmp_path / "proof.json"
    home.hokusai("log", "prove", "--log", rewritten.folder, "--since", kept, "-o", proof)
    assert home.hokusai(*arguments, "--proof", proof).exit_code == 1


@pytest.mark.parametrize(
    "arguments",
    [
        ("log", "prove"),
        ("log", "check", "--since", "KEY"),
        ("log", "check", "--proof", "KEY"),
        ("log", "check", "--public-key", "ATTESTATION"),
        ("export", "ATTESTATION"),
        ("export", "ATTESTATION", "--format", "zk-output", "--timestamp", "yesterday"),
        ("export", "ATTESTATION", "--format", "zk-output", "--timestamp", "2026-01-31T12:00:00"),
        ("export", "ATTESTATION", "--format", "zk-output", "--run-id", "a b"),
        ("export", "ATTESTATION", "--format", "witness"),
    ],
)
def test_wrong_usage_exits_2(home: Home, arguments: tuple[str, ...]):
    files = {"KEY": home.key, "ATTESTATION": home.attestation}
    done = home.hokusai(*(files.get(word, word) for word in arguments))
    assert done.exit_code == 2, done.output


def test_public_inputs_go_to_a_file_or_standard_output(home: Home, tmp_path: Path):
    printed = home.printed("export", home.attestation, "--format", "public-inputs")
    out = tmp_path / "inputs.json"
    home.hokusai("export", home.attestation, "--format", "public-inputs", "-o", out)
    assert json.loads(out.read_text()) == printed
    assert printed["public_inputs"][0] == {"name": "schema_version", "value": "2"}


def test_an_attestation_that_does_not_hold_is_not_exported(home: Home, measured: Measured):
    statement = json.loads(json.dumps(measured.statement))
    statement["predicate"]["claim"]["result"]["rows"]["kept"] += 1
    home.attestation.write_bytes(resign(statement))
    done = home.hokusai("export", home.attestation, "--format", "public-inputs")
    assert done.exit_code == 1
    assert "rows in are not rows kept" in done.output


def test_the_document_is_proof_ready_only_with_a_witness_that_opens_it(
    home: Home, measured: Measured, tmp_path: Path
):
    export = ("export", home.attestation, "--format")
    before = home.printed(*export, "zk-output")
    VALIDATOR.validate(before)
    assert before["attestation"]["proof_ready"] is False

    done = home.hokusai(*export, "witness", "--predictions", measured.predictions)
    assert done.exit_code == 0, done.output
    witness = Path(done.output.strip())
    assert witness.parent == home.folder / "witness" / "generated"
    assert stat.S_IMODE(witness.stat().st_mode) == 0o600
    after = home.printed(*export, "zk-output", "--timestamp", "2026-01-31T12:00:00Z")
    VALIDATOR.validate(after)
    assert_is_recomputed(after)
    assert after["attestation"]["proof_ready"] is True
    assert after["metadata"]["timestamp"] == "2026-01-31T12:00:00Z"
    assert after["contributors"][0]["data_manifest"]["columns"] == measured.columns
    assert after["attestation"]["verification_key"] == home.key.read_text()

    document = json.loads(witness.read_text())
    document["measurements"][0]["actual"][0] = "7"
    witness.write_text(json.dumps(document))
    done = home.hokusai(*export, "zk-output")
    assert done.exit_code == 1
    assert str(witness) in done.output.replace("\n", "")


def test_a_witness_goes_where_it_is_told_and_stays_private(
    home: Home, measured: Measured, tmp_path: Path
):
    out = tmp_path / "mine.json"
    home.hokusai(
        "export", home.attestation, "--format", "witness",
        "--predictions", measured.predictions, "-o", out,
    )  # fmt: skip
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    document = home.printed(
        "export", home.attestation, "--format", "zk-output", "--witness", out
    )  # fmt: skip
    assert document["attestation"]["proof_ready"] is True


def changed_spec(text: str) -> str:
    return text.replace("C: 1.0", "C: 2.0")


@pytest.mark.parametrize(("change", "code"), [(str, 0), (changed_spec, 2)])
def test_the_columns_are_those_of_the_spec_that_is_attested(
    home: Home, measured: Measured, tmp_path: Path, change: Callable[[str], str], code: int
):
    spec = tmp_path / "benchmark.yaml"
    original = measured.root / "benchmarks" / "generated" / "benchmark.yaml"
    spec.write_text(change(original.read_text()))
    stranger = Home(tmp_path / "stranger", tmp_path / "none", home.attestation, home.key)
    export = ("export", home.attestation, "--format", "zk-output")
    assert "--spec FILE" in stranger.hokusai(*export).output
    done = stranger.hokusai(*export, "--spec", spec)
    assert done.exit_code == code, done.output
    if code == 0:
        document = json.loads(done.stdout)
        jsonschema.validate(document, VALIDATOR.schema)
        # A stranger without the key says of no key that it verifies.
        assert document["attestation"]["verification_key"] is None
        assert home.printed(*export, "--spec", spec)["attestation"]["verification_key"]


def test_a_key_that_did_not_sign_is_refused(home: Home, tmp_path: Path):
    other = tmp_path / "other.pem"
    other.write_bytes(public_pem(generate("ed25519").public_key))
    done = home.hokusai(
        "export", home.attestation, "--format", "zk-output", "--public-key", other
    )  # fmt: skip
    assert done.exit_code == 1
    assert "not signed by this key" in done.output
