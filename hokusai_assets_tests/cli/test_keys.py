"""`hokusai keys` and `hokusai verify --trust`: what an operator and a verifier do and see."""

import json
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from hokusai_assets.attestation.envelope import open_envelope, sign_statement
from hokusai_assets.attestation.key_files import dry_run_signer, read_private_key, write_pair
from hokusai_assets.attestation.key_records import read_records
from hokusai_assets.attestation.signing_key import load_signer
from hokusai_assets.attestation.trust_policy import parse_policy
from hokusai_assets.canonical.canonical_json import digest
from hokusai_assets.cli.main import main
from hokusai_assets.cli.trust_options import today
from hokusai_assets_tests.attestation.measured_contribution import measured_contribution

Run = Callable[..., Result]


@pytest.fixture(scope="module")
def statement(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return measured_contribution(tmp_path_factory.mktemp("measured")).statement()


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def run(home: Path) -> Run:
    def run(*words: object, **environment: str) -> Result:
        variables = {
            "HOKUSAI_HOME": str(home),
            "HOKUSAI_SIGNING_KEY": "",
            "HOKUSAI_SIGNING_KEY_FILE": "",
        }
        return CliRunner().invoke(main, [str(word) for word in words], env=variables | environment)

    return run


def done(result: Result) -> str:
    assert result.exit_code == 0, result.output
    return result.output


def listed(run: Run) -> list[dict[str, Any]]:
    keys: list[dict[str, Any]] = json.loads(done(run("keys", "list", "--json")))["keys"]
    return keys


def private_parts(folder: Path) -> list[str]:
    """Return the lines of every private key under a folder that must never be shown."""
    return [
        line
        for path in folder.rglob("*.pem")
        if "PRIVATE" in (text := path.read_text())
        for line in text.splitlines()
        if not line.startswith("-----")
    ]


def signed(home: Path, path: Path, statement: Any) -> Path:
    """Sign a statement with a home's active key."""
    active = next(key for key in read_records(home / "keys") if key.status == "active")
    signer = read_private_key(home / "keys" / active.source, "the home", production=True)
    path.write_bytes(sign_statement(statement, signer))
    return path


def outcomes(result: Result) -> dict[str, str]:
    return {check["name"]: check["outcome"] for check in json.loads(result.output)["checks"]}


def test_new_makes_the_homes_key_and_list_shows_it_without_its_private_half(
    run: Run, home: Path
) -> None:
    told = done(run("keys", "new", "--type", "ecdsa-p256"))
    (key,) = listed(run)
    assert key["id"] in told
    assert (key["type"], key["status"], key["origin"]) == ("ecdsa-p256", "active", "home")
    table = done(run("keys", "list"))
    assert key["id"][:12] in table
    assert private_parts(home)
    for line in private_parts(home):
        assert line not in told + table + json.dumps(key)


def test_an_empty_home_has_no_key_and_listing_makes_none(run: Run, home: Path) -> None:
    assert "No key yet" in done(run("keys", "list"))
    assert run("keys", "trust", "--owner", "X").exit_code == 2
    assert not home.exists()


def test_a_key_in_a_file_never_replaces_one_and_is_no_key_of_the_home(
    run: Run, tmp_path: Path
) -> None:
    path = tmp_path / "deep" / "signing.pem"
    told = done(run("keys", "new", "--out", path))
    assert f"HOKUSAI_SIGNING_KEY_FILE={path}" in told
    assert path.stat().st_mode & 0o777 == 0o600
    before = {file: file.read_bytes() for file in path.parent.iterdir()}
    assert run("keys", "new", "--out", path).exit_code == 2
    path.unlink()
    again = run("keys", "new", "--out", path)
    assert again.exit_code == 2
    assert "signing.pub.pem exists already" in again.output
    assert listed(run) == []
    assert {file: before[file] for file in path.parent.iterdir()} == {
        path.with_name("signing.pub.pem"): before[path.with_name("signing.pub.pem")]
    }


def test_a_second_new_key_is_wrong_usage_and_rotate_replaces_the_first(run: Run) -> None:
    done(run("keys", "new"))
    refused = run("keys", "new")
    assert refused.exit_code == 2
    assert "hokusai keys rotate" in refused.output
    done(run("keys", "rotate", "--type", "ecdsa-p256"))
    assert [(key["type"], key["status"]) for key in listed(run)] == [
        ("ed25519", "retired"),
        ("ecdsa-p256", "active"),
    ]


def test_rotate_takes_a_given_key_over(run: Run, tmp_path: Path) -> None:
    done(run("keys", "new"))
    path = tmp_path / "next.pem"
    done(run("keys", "new", "--out", path))
    refused = run("keys", "rotate", HOKUSAI_SIGNING_KEY_FILE=str(path))
    assert refused.exit_code == 2
    assert "hokusai keys rotate --given" in refused.output.replace("\n", " ")
    done(run("keys", "rotate", "--given", HOKUSAI_SIGNING_KEY_FILE=str(path)))
    assert [(key["origin"], key["status"]) for key in listed(run)] == [
        ("home", "retired"),
        ("given", "active"),
    ]
    assert run("keys", "rotate", "--given").exit_code == 2


def test_revoke_needs_a_known_key_and_a_reason(run: Run) -> None:
    done(run("keys", "new"))
    (key,) = listed(run)
    assert run("keys", "revoke", key["id"]).exit_code == 2
    assert run("keys", "revoke", "0" * 12, "--reason", "lost").exit_code == 2
    done(run("keys", "revoke", key["id"][:12], "--reason", "laptop [stolen]"))
    assert run("keys", "revoke", key["id"][:12], "--reason", "again").exit_code == 2
    (after,) = listed(run)
    assert (after["status"], after["reason"]) == ("revoked", "laptop [stolen]")
    assert "laptop [stolen]" in done(run("keys", "list"))


def test_trust_writes_a_policy_that_verify_takes(
    run: Run, home: Path, tmp_path: Path, statement: dict[str, Any]
) -> None:
    done(run("keys", "new"))
    file, policy = signed(home, tmp_path / "a.dsse.json", statement), tmp_path / "policy.yaml"
    done(run("keys", "trust", "--owner", "Example Org", "-o", policy))
    found = done(run("verify", file, "--trust", policy, "--json"))
    assert json.loads(found)["verified"] is True
    assert '"key trust"' in found
    assert policy.read_text() == done(run("keys", "trust", "--owner", "Example Org"))


def test_trust_names_the_key_that_a_variable_gives_before_it_signed(
    run: Run, tmp_path: Path
) -> None:
    path = tmp_path / "signing.pem"
    told = done(run("keys", "new", "--out", path))
    environment = {"HOKUSAI_SIGNING_KEY_FILE": str(path), "HOKUSAI_MODE": "production"}
    (key,) = parse_policy(
        done(run("keys", "trust", "--owner", "X", **environment)).encode(), name=""
    ).keys
    assert key.id in told
    assert [entry["id"] for entry in listed(run)] == [key.id]


def test_the_published_key_of_dry_runs_gets_into_no_policy(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "signing.pem"
    write_pair(path, dry_run_signer())
    refused = run("keys", "trust", "--owner", "X", HOKUSAI_SIGNING_KEY_FILE=str(path))
    assert refused.exit_code == 2
    assert listed(run) == []


def test_what_a_retired_key_signed_verifies_at_home_and_as_of_a_day_and_not_once_revoked(
    run: Run, home: Path, tmp_path: Path, statement: dict[str, Any]
) -> None:
    done(run("keys", "new"))
    file, policy = signed(home, tmp_path / "a.dsse.json", statement), tmp_path / "policy.yaml"
    done(run("keys", "rotate"))
    told = done(run("verify", file))
    assert "this home's own key" in told
    done(run("keys", "trust", "--owner", "Example Org", "-o", policy))
    old, _ = parse_policy(policy.read_bytes(), name="").keys
    day = old.valid_until
    done(run("verify", file, "--trust", policy, "--at", day))
    later = run("verify", file, "--trust", policy, "--at", "9999-12-31", "--json")
    assert later.exit_code == 1
    assert outcomes(later)["key trust"] == "fail" and outcomes(later)["signature"] == "pass"
    assert f"(Example Org) expired after {day}" in later.output
    done(run("keys", "revoke", old.id, "--reason", "lost"))
    done(run("keys", "trust", "--owner", "Example Org", "-o", policy))
    for words in ((), ("--trust", policy), ("--trust", policy, "--at", day)):
        refused = run("verify", file, *words)
        assert refused.exit_code == 1
        assert re.search(r"is revoked\s+since .*: lost", refused.output), refused.output


def test_a_threshold_of_the_policy_is_held(
    run: Run, home: Path, tmp_path: Path, statement: dict[str, Any]
) -> None:
    done(run("keys", "new"))
    first = signed(home, tmp_path / "a.dsse.json", statement)
    done(run("keys", "rotate"))
    second = signed(home, tmp_path / "b.dsse.json", statement)
    done(run("keys", "sign", second))
    policy = tmp_path / "policy.yaml"
    done(run("keys", "trust", "--owner", "Example Org", "--threshold", "2", "-o", policy))
    assert outcomes(run("verify", first, "--trust", policy, "--json"))["key trust"] == "fail"
    done(run("keys", "sign", first))
    done(run("verify", first, "--trust", policy))
    assert len(json.loads(first.read_text())["signatures"]) == 2
    assert len(json.loads(second.read_text())["signatures"]) == 1
    too_many = run("keys", "trust", "--owner", "Example Org", "--threshold", "3")
    assert too_many.exit_code == 2


def test_signing_also_keeps_what_is_signed_and_signs_once(
    run: Run, home: Path, tmp_path: Path, statement: dict[str, Any]
) -> None:
    done(run("keys", "new"))
    file, other = signed(home, tmp_path / "a.dsse.json", statement), tmp_path / "b.dsse.json"
    before = file.read_bytes()
    done(run("keys", "sign", file))
    assert file.read_bytes() == before
    done(run("keys", "rotate", "--type", "ecdsa-p256"))
    done(run("keys", "sign", file, "-o", other))
    assert file.read_bytes() == before
    assert open_envelope(other.read_bytes())[1] == statement
    first, _ = json.loads(other.read_text())["signatures"]
    assert [first] == json.loads(before)["signatures"]


@pytest.mark.parametrize("change", [b"no envelope", "wrong", "dry run"])
def test_nothing_is_signed_also_that_does_not_hold(
    run: Run, home: Path, tmp_path: Path, statement: dict[str, Any], change: bytes | str
) -> None:
    done(run("keys", "new"))
    file = tmp_path / "a.dsse.json"
    if isinstance(change, bytes):
        file.write_bytes(change)
    else:
        predicate = json.loads(json.dumps(statement["predicate"]))
        if change == "wrong":
            predicate["claim"]["result"]["rows"]["in"] += 1
        else:
            predicate["claim"]["dry_run"] = True
            predicate["attestation_hash"] = digest(predicate["claim"])
        signed(home, file, statement | {"predicate": predicate})
    before = file.read_bytes()
    refused = run("keys", "sign", file)
    assert refused.exit_code == 1
    assert "Not signed." in refused.output
    assert file.read_bytes() == before


def test_production_tells_verifiers_of_no_development_key(run: Run, home: Path) -> None:
    load_signer(environment={}, keys_folder=home / "keys", production=False, today=today())
    development = listed(run)[0]["id"]
    refused = run("keys", "trust", "--owner", "X", HOKUSAI_MODE="production")
    assert refused.exit_code == 2
    done(run("keys", "new"))
    assert development in done(run("keys", "trust", "--owner", "X"))
    policy = done(run("keys", "trust", "--owner", "X", HOKUSAI_MODE="production"))
    assert development not in policy


@pytest.mark.parametrize(
    "words",
    [
        ("--public-key", "{file}"),
        ("--trust", "{file}"),
        ("--public-key", "{key}", "--trust", "{file}"),
        ("--public-key", "{key}", "--at", "2026-01-01"),
        ("--at", "yesterday"),
    ],
)
def test_what_says_nothing_of_trust_is_wrong_usage(
    run: Run, home: Path, tmp_path: Path, statement: dict[str, Any], words: Sequence[str]
) -> None:
    done(run("keys", "new"))
    file = signed(home, tmp_path / "a.dsse.json", statement)
    key = next((home / "keys").glob("*.pub.pem"))
    filled = [word.format(file=file, key=key) for word in words]
    assert run("verify", file, *filled).exit_code == 2


def test_damaged_records_are_a_platform_fault_for_verify(
    run: Run, home: Path, tmp_path: Path, statement: dict[str, Any]
) -> None:
    done(run("keys", "new"))
    file = signed(home, tmp_path / "a.dsse.json", statement)
    (home / "keys" / "records.json").write_text("[]")
    refused = run("verify", file)
    assert refused.exit_code == 1
    assert "bring it back from a copy" in refused.output
    assert run("keys", "list").exit_code == 1
    assert run("keys", "revoke", "0" * 12, "--reason", "lost").exit_code == 1
