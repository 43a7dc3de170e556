"""`hokusai mint-request`: from an attestation to a signed call, by one attester and by several."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from hokusai_assets.attestation.log_proof import inclusion_proof
from hokusai_assets.attestation.public_keys import public_pem
from hokusai_assets.attestation.transparency_log import TransparencyLog, log_line
from hokusai_assets.cli.main import main
from hokusai_assets.minting.request_file import parse, to_bytes
from hokusai_assets.minting.typed_data import calldata, sign
from hokusai_assets_tests.attestation.measured_contribution import (
    SIGNING_KEY,
    measured_contribution,
    resign,
    write_predictions,
)
from hokusai_assets_tests.minting.example_request import (
    ATTESTERS,
    CONTRACT,
    claimed,
    example,
    signed,
    with_wallets,
)

Run = Callable[..., Result]
ADDRESSES = [account.address for account in ATTESTERS]
# Within the year that is allowed, and the same for all tests of one run.
DEADLINE = int(time.time()) + 30 * 86_400
KEYS = [account.key.hex().removeprefix("0x") for account in ATTESTERS]


@pytest.fixture(scope="module")
def statement(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    parts = measured_contribution(tmp_path_factory.mktemp("measured"))
    return with_wallets(parts.statement())


@pytest.fixture
def attestation(tmp_path: Path, statement: dict[str, Any]) -> Path:
    path = tmp_path / "orders.dsse.json"
    path.write_bytes(resign(statement))
    return path


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Run the command on a file, with the issuer's key and one contract."""
    public_key = tmp_path / "issuer.pem"
    public_key.write_bytes(public_pem(SIGNING_KEY.public_key))
    home = {"HOKUSAI_HOME": str(tmp_path / "home"), "HOKUSAI_DATA": str(tmp_path)}
    unset = {name: None for name in os.environ if name.startswith("HOKUSAI_")}

    def invoke(file: Path, *options: object, environment: Any = None, **changed: str) -> Result:
        given = {
            "contract": CONTRACT.address,
            "chain-id": str(CONTRACT.chain_id),
            "model-id": "7",
            "public-key": str(public_key),
        } | {name.replace("_", "-"): value for name, value in changed.items()}
        words = [word for name, value in given.items() for word in (f"--{name}", value)]
        return CliRunner().invoke(
            main,
            ["mint-request", str(file), *words, *map(str, options)],
            env=unset | home | (environment or {}),
        )

    return invoke


def key_file(folder: Path, number: int, mode: int = 0o600) -> Path:
    path = folder / f"attester-{number}"
    path.write_text(KEYS[number] + "\n")
    path.chmod(mode)
    return path


def test_one_attester_signs_and_the_call_is_written(run: Run, attestation: Path) -> None:
    before = int(time.time())
    done = run(attestation, environment={"HOKUSAI_ATTESTER_KEY": KEYS[0]})
    assert done.exit_code == 0, done.output
    path = attestation.with_name("orders.mint.json")
    found = parse(path.read_bytes())
    assert [made.signer for made in found.signatures] == ADDRESSES[:1]
    assert found.contract == CONTRACT
    call = json.loads(path.read_text())["calldata"]
    assert call == "0x" + calldata(found.request, found.signatures).hex()
    assert before + 86_400 <= found.request.deadline <= int(time.time()) + 86_400
    for told in (found.digest.hex(), ADDRESSES[0], path.name, "101 basis points"):
        assert told in done.output.replace("\n", " ")
    assert KEYS[0] not in done.output
    assert KEYS[0] not in path.read_text()


def test_several_keys_sign_at_once(run: Run, attestation: Path, tmp_path: Path) -> None:
    files = [word for number in (2, 0) for word in ("--key-file", key_file(tmp_path, number))]
    done = run(attestation, *files, "--json")
    assert done.exit_code == 0, done.output
    document = json.loads(done.stdout)
    assert [made["signer"] for made in document["signatures"]] == [ADDRESSES[0], ADDRESSES[2]]
    assert document["file"] == str(attestation.with_name("orders.mint.json"))
    assert KEYS[0] not in done.output


def test_a_second_attester_adds_a_signature(run: Run, attestation: Path, tmp_path: Path) -> None:
    terms = ["--deadline", str(DEADLINE), "--pipeline-run-id", "run 5"]
    costs = ["--max-cost-usd-micro", "9", "--actual-cost-usd-micro", "8"]
    assert run(attestation, *terms, *costs, "--key-file", key_file(tmp_path, 1)).exit_code == 0
    path = attestation.with_name("orders.mint.json")
    first = parse(path.read_bytes())
    assert (first.request.deadline, first.request.pipeline_run_id) == (DEADLINE, "run 5")
    done = run(attestation, "--add-to", path, "--key-file", key_file(tmp_path, 0))
    assert done.exit_code == 0, done.output
    both = parse(path.read_bytes())
    assert both.request == first.request
    assert [made.signer for made in both.signatures] == ADDRESSES[:2]


def test_without_a_key_the_digest_is_told_and_a_signature_made_elsewhere_added(
    run: Run, attestation: Path
) -> None:
    done = run(attestation)
    assert done.exit_code == 0, done.output
    assert "Not signed" in done.output
    path = attestation.with_name("orders.mint.json")
    unsigned = parse(path.read_bytes())
    assert unsigned.digest.hex() in done.output.replace("\n", "")
    elsewhere = sign(unsigned.digest, ATTESTERS[3]).signature
    signer = ("--signer", ADDRESSES[3].lower())
    done = run(attestation, "--add-to", path, "--signature", elsewhere, *signer)
    assert done.exit_code == 0, done.output
    assert [made.signer for made in parse(path.read_bytes()).signatures] == ADDRESSES[3:]


def test_equal_terms_give_equal_files(run: Run, attestation: Path, tmp_path: Path) -> None:
    files = [tmp_path / "a.json", tmp_path / "b.json"]
    for file in files:
        options = ("--deadline", str(DEADLINE), "--output", file)
        done = run(attestation, *options, environment={"HOKUSAI_ATTESTER_KEY": KEYS[0]})
        assert done.exit_code == 0, done.output
    assert files[0].read_bytes() == files[1].read_bytes()


def test_a_request_that_exists_is_not_written_over(run: Run, attestation: Path) -> None:
    assert run(attestation).exit_code == 0
    path = attestation.with_name("orders.mint.json")
    before = path.read_bytes()
    done = run(attestation)
    assert done.exit_code == 2
    assert "exists" in done.output
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"contract": ADDRESSES[0]}, "for another contract or chain"),
        ({"chain_id": "1"}, "for another contract or chain"),
        ({"model_id": "8"}, "not what the attestation and --model-id give"),
    ],
)
def test_nobody_cosigns_what_they_did_not_name(
    run: Run, attestation: Path, changes: dict[str, str], told: str
) -> None:
    assert run(attestation).exit_code == 0
    path = attestation.with_name("orders.mint.json")
    before = path.read_bytes()
    key = {"HOKUSAI_ATTESTER_KEY": KEYS[0]}
    done = run(attestation, "--add-to", path, environment=key, **changes)
    assert done.exit_code == 2
    assert told in " ".join(done.output.split())
    assert path.read_bytes() == before


def test_nobody_cosigns_the_request_of_another_attestation(
    run: Run, attestation: Path, statement: dict[str, Any], tmp_path: Path
) -> None:
    other = tmp_path / "other.dsse.json"
    licence = claimed(statement, ("contribution", "licence"), lambda _: "CC0")
    other.write_bytes(resign(licence))
    assert run(other).exit_code == 0
    done = run(attestation, "--add-to", tmp_path / "other.mint.json")
    assert done.exit_code == 2
    assert "not what the attestation" in " ".join(done.output.split())


def test_terms_are_not_changed_by_a_cosigner(run: Run, attestation: Path) -> None:
    assert run(attestation).exit_code == 0
    path = attestation.with_name("orders.mint.json")
    done = run(attestation, "--add-to", path, "--deadline", str(DEADLINE))
    assert done.exit_code == 2
    assert "are the request's" in " ".join(done.output.split())


@pytest.mark.parametrize(
    ("path", "change", "told"),
    [
        (("dry_run",), lambda _: True, "No mint request: the attestation is a dry run"),
        (("settlement", "delta_one", "payable_bps"), lambda _: 9, "payable_bps does not follow"),
        (("contributors", 0, "wallet"), lambda _: None, "No mint request: no wallet is attested"),
    ],
)
def test_what_is_not_payable_is_refused(
    run: Run,
    attestation: Path,
    statement: dict[str, Any],
    path: tuple[Any, ...],
    change: Callable[[Any], Any],
    told: str,
) -> None:
    attestation.write_bytes(resign(claimed(statement, path, change)))
    done = run(attestation, environment={"HOKUSAI_ATTESTER_KEY": KEYS[0]})
    assert done.exit_code == (3 if "No mint request" in told else 1)
    assert told in done.output
    assert not attestation.with_name("orders.mint.json").exists()


def test_an_attestation_that_was_not_accepted_is_refused(run: Run, tmp_path: Path) -> None:
    strict = "delta_one: {min_delta_bps: 9000}\n"
    parts = measured_contribution(tmp_path / "strict", spec_lines=strict)
    file = tmp_path / "strict.dsse.json"
    file.write_bytes(resign(with_wallets(parts.statement())))
    done = run(file)
    assert done.exit_code == 3
    assert "not accepted: nothing is payable" in done.output


def test_an_attestation_of_another_issuer_or_of_none_is_refused(
    run: Run, attestation: Path, tmp_path: Path
) -> None:
    own = ["mint-request", str(attestation), "--contract", CONTRACT.address]
    done = CliRunner().invoke(
        main, [*own, "--chain-id", "1", "--model-id", "1"], env={"HOKUSAI_HOME": str(tmp_path)}
    )
    assert done.exit_code == 1
    assert "no public key given" in done.output
    data = json.loads(attestation.read_text())
    data["signatures"][0]["sig"] = "AA" + data["signatures"][0]["sig"][2:]
    attestation.write_text(json.dumps(data))
    done = run(attestation)
    assert done.exit_code == 1
    assert "not verified" in done.output


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--deadline", "1"], "not in the future"),
        (["--deadline", "99999999999999999999"], "more than a year (365 days) ahead"),
        (["--deadline", str(DEADLINE + 366 * 86_400)], "more than a year (365 days) ahead"),
        (["--signature", "0x00", "--signer", ADDRESSES[0]], "130 hex digits"),
        (["--signature", "hunter2", "--signer", ADDRESSES[0]], "130 hex digits"),
        (["--signature", "0x00"], "give --signer ADDRESS for each --signature"),
        (["--signer", ADDRESSES[0]], "give --signer ADDRESS for each --signature"),
        (["--signature", "0x00", "--signer", "0x12"], "--signer is no address"),
    ],
)
def test_wrong_usage_is_told(run: Run, attestation: Path, options: list[str], told: str) -> None:
    done = run(attestation, *options)
    assert done.exit_code == 2
    assert told in " ".join(done.output.split())
    assert "hunter2" not in done.output
    assert not attestation.with_name("orders.mint.json").exists()


def test_a_signature_of_another_signer_or_digest_is_refused(run: Run, attestation: Path) -> None:
    assert run(attestation).exit_code == 0
    path = attestation.with_name("orders.mint.json")
    before = path.read_bytes()
    digest = parse(before).digest
    made = [sign(digest, account).signature for account in ATTESTERS]
    stale = sign(bytes(32), ATTESTERS[0]).signature
    for signatures, signers in (
        ([stale], ADDRESSES[:1]),
        ([made[0]], ADDRESSES[1:2]),
        (made[:2], ADDRESSES[1::-1]),
    ):
        words = [word for text in signatures for word in ("--signature", text)]
        words += [word for address in signers for word in ("--signer", address)]
        done = run(attestation, "--add-to", path, *words)
        assert done.exit_code == 2
        assert "not one of 0x" in " ".join(done.output.split())
        assert path.read_bytes() == before
    words = ["--signature", made[1], "--signature", made[0]]
    words += ["--signer", ADDRESSES[1], "--signer", ADDRESSES[0]]
    assert run(attestation, "--add-to", path, *words).exit_code == 0
    assert [found.signer for found in parse(path.read_bytes()).signatures] == ADDRESSES[:2]


@pytest.mark.parametrize(
    ("deadline", "told"),
    [(1_700_000_000, "not in the future"), (DEADLINE + 366 * 86_400, "more than a year")],
    # Else each worker names the test after its own second.
    ids=["expired", "too long"],
)
def test_nobody_cosigns_what_has_expired_or_stays_good_too_long(
    run: Run, attestation: Path, statement: dict[str, Any], deadline: int, told: str
) -> None:
    path = attestation.with_name("orders.mint.json")
    path.write_bytes(to_bytes(signed(example(statement, deadline=deadline), CONTRACT)))
    before = path.read_bytes()
    done = run(attestation, "--add-to", path, environment={"HOKUSAI_ATTESTER_KEY": KEYS[0]})
    assert done.exit_code == 3
    assert told in done.output
    assert path.read_bytes() == before


def test_what_an_attester_did_not_check_is_told_before_signing(run: Run, attestation: Path) -> None:
    done = run(attestation, "--json", environment={"HOKUSAI_ATTESTER_KEY": KEYS[0]})
    assert done.exit_code == 0, done.output
    assert done.stderr == "Not checked: predictions, benchmark, intervals, log\n"
    json.loads(done.stdout)


def test_what_an_attester_gives_is_checked(run: Run, tmp_path: Path) -> None:
    parts = measured_contribution(tmp_path)
    statement = with_wallets(parts.statement())
    file = tmp_path / "given.dsse.json"
    file.write_bytes(resign(statement))
    rows = write_predictions(parts, tmp_path / "rows.parquet", lambda table: table)
    log = TransparencyLog(tmp_path / "log")
    log.append(log_line(statement), SIGNING_KEY)
    checkpoint = log.checkpoint()
    assert checkpoint is not None
    proof = tmp_path / "proof.json"
    proof.write_text(json.dumps(inclusion_proof(log.lines(), 0, checkpoint)))
    given = ["--predictions", rows, "--data", tmp_path, "--log-proof", proof]
    done = run(file, *given)
    assert done.exit_code == 0, done.output
    assert "Not checked" not in done.output
    done = run(file, *given[:2], "--output", tmp_path / "rows.mint.json")
    assert "Not checked: benchmark, intervals, log" in done.stderr
    # Evidence that does not fit is no evidence: nothing is signed.
    write_predictions(parts, rows, lambda table: table.slice(1))
    (tmp_path / "other").mkdir()
    proof.write_text("{}")
    for name, words in (
        ("predictions", given[:2]),
        ("benchmark", ["--data", tmp_path / "other"]),
        ("log", given[4:]),
    ):
        output = tmp_path / f"{name}.refused.json"
        done = run(file, *words, "--output", output)
        assert done.exit_code == 1
        assert f"{name}: " in done.stderr
        assert not output.exists()


def test_a_name_that_another_attester_gave_does_not_steer_the_terminal(
    run: Run, attestation: Path, statement: dict[str, Any]
) -> None:
    path = attestation.with_name("orders.mint.json")
    name = "run\x1b[2J\u202e[bold]5"
    request = example(statement, deadline=DEADLINE, pipeline_run_id=name)
    path.write_bytes(to_bytes(signed(request, CONTRACT)))
    done = run(attestation, "--add-to", path)
    assert done.exit_code == 0, done.output
    assert "\x1b" not in done.output
    assert "\u202e" not in done.output
    assert r"run\x1b[2J\u202e[bold]5" in done.output


def test_a_key_that_is_open_to_others_signs_nothing(
    run: Run, attestation: Path, tmp_path: Path
) -> None:
    done = run(attestation, "--key-file", key_file(tmp_path, 0, 0o644))
    assert done.exit_code == 2
    assert "chmod 600" in done.output
    assert not attestation.with_name("orders.mint.json").exists()


def test_a_contract_without_its_checksum_is_refused(run: Run, attestation: Path) -> None:
    done = run(attestation, contract="0x" + CONTRACT.address[2:].swapcase())
    assert done.exit_code == 2
    assert "EIP-55" in done.output


def test_without_the_extra_it_says_what_to_install(
    run: Run, attestation: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("eth_account", "eth_account.messages", "eth_utils"):
        monkeypatch.setitem(sys.modules, name, None)
    done = run(attestation)
    assert done.exit_code == 1
    assert "pip install 'hokusai-assets[contracts]'" in done.output
    assert not attestation.with_name("orders.mint.json").exists()


def test_help_needs_no_ethereum_package() -> None:
    code = (
        "import sys; sys.modules.update(dict.fromkeys(['eth_account', 'eth_abi', 'eth_utils']));"
        "from hokusai_assets.cli.main import main; main(['mint-request', '--help'])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "--add-to REQUEST" in done.stdout
