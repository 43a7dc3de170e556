"""`--json` and `--quiet` mean the same in every verb, and no verb forgets them.

What shows progress takes `--quiet`. What tells a result takes `--json`, unless the result is a
document already. A verb that does otherwise is named here with the reason.
"""

import json
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from hokusai_assets.cli.main import main

from .test_commands import DATA

SPAM = DATA / "benchmarks" / "sms-spam"

WITHOUT_JSON = {
    "prove-row": "its result is a JSON document",
    "export": "its result is a JSON document, or a witness, which is private and goes to a file",
    "log prove": "its result is a JSON document",
    "keys trust": "its result is a YAML document, the policy",
    "benchmarks history": "its result is the file that `verify --history` takes",
    "dev": "it serves until it is stopped and has no result",
}
AT_ONCE = {
    "report", "prove-row", "log show", "log prove", "log check", "export", "keys new", "keys list",
    "keys rotate", "keys revoke", "keys trust", "keys sign", "benchmarks", "benchmarks new",
    "benchmarks history", "metrics",
}  # fmt: skip
WITHOUT_QUIET = dict.fromkeys(AT_ONCE, "done in seconds, so it shows no progress") | {
    "promote": "it shows what would change and asks; that is its result",
    "dev": "what it says while it serves is its log",
}


def verbs(group: click.Group = main, before: str = "") -> Iterator[tuple[str, click.Command]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        if isinstance(command, click.Group):
            yield from verbs(command, f"{name} ")
        if not isinstance(command, click.Group) or command.invoke_without_command:
            yield f"{before}{name}", command


VERBS = dict(verbs())


def options(command: click.Command) -> set[str]:
    return {word for parameter in command.params for word in parameter.opts}


def test_the_verbs_are_found():
    assert {"evaluate", "keys rotate", "log check", "benchmarks", "benchmarks new"} <= set(VERBS)
    assert set(WITHOUT_JSON) | set(WITHOUT_QUIET) <= set(VERBS)


@pytest.mark.parametrize("verb", VERBS)
def test_a_result_is_had_as_json(verb: str):
    assert ("--json" in options(VERBS[verb])) == (verb not in WITHOUT_JSON)


@pytest.mark.parametrize("verb", VERBS)
def test_progress_can_be_silenced(verb: str):
    quiet = {"--quiet", "-q"} & options(VERBS[verb])
    assert quiet == (set() if verb in WITHOUT_QUIET else {"--quiet", "-q"})


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOKUSAI_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("HOKUSAI_DATA", str(tmp_path / "data"))
    return tmp_path / "home"


def told(*arguments: object) -> dict:
    done = CliRunner().invoke(main, [str(word) for word in arguments])
    assert done.exit_code == 0, done.output
    assert done.stderr == ""
    document = json.loads(done.stdout)
    assert isinstance(document, dict)
    return document


@pytest.mark.parametrize("verb", ["benchmarks", "metrics", "keys list", "log show"])
def test_json_is_one_object_and_nothing_beside_it(verb: str, home: Path):
    assert told(*verb.split(), "--json")


def test_each_change_of_a_key_says_which_it_is(home: Path, tmp_path: Path):
    first = told("keys", "new", "--json")
    assert Path(first["private_key"]).is_file() and Path(first["public_key"]).is_file()
    assert (first["status"], first["type"]) == ("active", "ed25519")
    second = told("keys", "rotate", "--type", "ecdsa-p256", "--json")
    assert second["id"] != first["id"] and second["type"] == "ecdsa-p256"
    revoked = told("keys", "revoke", first["id"], "--reason", "lost", "--json")
    assert (revoked["id"], revoked["reason"]) == (first["id"], "lost")
    other = told("keys", "new", "--out", tmp_path / "other.pem", "--json")
    assert other["private_key"] == str(tmp_path / "other.pem")


def test_a_scaffolded_benchmark_says_where_its_spec_is(home: Path):
    files = ("--train", SPAM / "base.parquet", "--test", SPAM / "test.parquet")
    made = told("benchmarks", "new", "mine", *files, "--target", "label", "--json")
    assert made["id"] == "mine" and Path(made["spec"]).is_file()
