"""What was planted in contributions, and the deployment's own keys, are in nothing a home keeps.

Five contributions go through the real sensor, daemon, jobs and MLflow: one is accepted, one breaks
a rule, one is malformed, one has an address in its sidecar, and one makes a plug-in crash with
the cell in its message.
"""

import io
import secrets
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pytest

from hokusai_assets.attestation.key_files import generate
from hokusai_assets.benchmarks.generated import write_generated_benchmark
from hokusai_assets_tests.integration.dev_server import DevServer, running_dev, until
from hokusai_assets_tests.integration.every_byte import found_in

pytestmark = [pytest.mark.integration, pytest.mark.xdist_group("planted-values")]

_CELLS = ("zaphod.beeblebrox@example.com", "202-555-0143", "078-05-1120", "4111 1111 1111 1111")
_COLUMN = "ask ford.prefect@example.net"
_IGNORED_CELL = "Trillian McMillan"
_NOTE = "collected in November"
_REFUSED_NOTE = f"{_NOTE} by slartibartfast@example.org"
_FRAGMENTS = (
    *("beeblebrox", "555-0143", "5550143", "078-05-1120", "078051120", "4111111111111111"),
    *("4111 1111", "prefect", "trillian", "mcmillan", "slartibartfast", "marvin.android"),
)
_OUTCOMES = {
    "accepted": ("SUCCESS", "taken"),
    "rule-broken": ("FAILURE", "rejected"),
    "malformed": ("FAILURE", "rejected"),
    "bad-note": ("FAILURE", "rejected"),
    "crashing": ("FAILURE", None),
}
_PLUG_IN = """
def spans(texts):
    for text in texts:
        if "marvin.android" in text:
            raise ValueError(f"could not look through {text!r}")
    return [[] for _ in texts]
"""
_RECOGNISER = "privacy: {recognisers: [{entity: STAFF, callable: 'planted_plug_in:spans'}]}\n"


@dataclass
class Searched:
    """A home that all five have gone through, stopped; how they ended; the keys it was given."""

    root: Path
    server: DevServer
    outcomes: dict[str, tuple[str, str | None]]
    keys: list[str]


def contributions(clean: bytes) -> dict[str, bytes]:
    """Return the files by name, each full of what must not be found again."""
    frame = pd.read_csv(io.BytesIO(clean), dtype=str, keep_default_na=False)
    planted = frame.copy()
    for row, value in enumerate(_CELLS * 5):
        planted.loc[row, "note"] = f"reach me at {value} please"
    planted[_COLUMN] = _IGNORED_CELL
    rule_broken = planted.assign(late=_CELLS[0])
    crashing = planted.assign(parcels="3")
    crashing.loc[7, "note"] = "marvin.android said so"
    return {
        "accepted.csv": planted.to_csv(index=False).encode(),
        "rule-broken.csv": rule_broken.to_csv(index=False).encode(),
        "malformed.json": planted.to_json(orient="records").encode()[:-9],
        "bad-note.csv": planted.iloc[1:].to_csv(index=False).encode(),
        "crashing.csv": crashing.to_csv(index=False).encode(),
    }


@pytest.fixture(scope="module")
def searched(tmp_path_factory: pytest.TempPathFactory) -> Searched:
    root = tmp_path_factory.mktemp("planted")
    folder, clean = write_generated_benchmark(root / "data", seed=7)
    spec = folder / "benchmark.yaml"
    spec.write_text(spec.read_text() + _RECOGNISER)
    (root / "plug_ins").mkdir()
    (root / "plug_ins" / "planted_plug_in.py").write_text(_PLUG_IN)
    (root / "data" / "drops" / "generated").mkdir(parents=True)
    pem = generate("ed25519").private_bytes
    given = {
        "HOKUSAI_PII_KEY": secrets.token_hex(32),
        "HOKUSAI_SIGNING_KEY": pem.decode(),
        "HOKUSAI_ATTESTER_KEY": secrets.token_hex(32),
    }
    files = contributions(clean.read_bytes())
    with running_dev(root, PYTHONPATH=str(root / "plug_ins"), **given) as server:
        for name, content in files.items():
            stem = name.split(".")[0]
            sidecar = (
                f"contributors: [{{id: {stem}, weight_bps: 10000}}]\n"
                f"licence: CC BY 4.0\n"
                f"note: {_REFUSED_NOTE if stem == 'bad-note' else _NOTE}\n"
            )
            server.drop("generated", f"{name}.contribution.yaml", sidecar.encode())
            server.drop("generated", name, content)

        until(lambda: set(over(server)) == set(_OUTCOMES), 300, "the runs of the drops")
        outcomes = over(server)
    body = "".join(pem.decode().splitlines()[1:-1])
    keys = [given["HOKUSAI_PII_KEY"], given["HOKUSAI_ATTESTER_KEY"], body]
    return Searched(root, server, outcomes, keys)


def over(server: DevServer) -> dict[str, tuple[str, str | None]]:
    """Return of each contribution whose run is over its status and its outcome's tag."""
    found = server.query("{runsOrError{... on Runs{results{status tags{key value}}}}}")
    outcomes = {}
    for run in found["runsOrError"]["results"]:
        tags = {tag["key"]: tag["value"] for tag in run["tags"]}
        key = tags.get("dagster/partition")
        if key and run["status"] in ("SUCCESS", "FAILURE"):
            outcomes[key.rsplit("-", 1)[0]] = (run["status"], tags.get("hokusai/intake"))
    return outcomes


def test_each_ends_as_it_should(searched: Searched):
    assert searched.outcomes == _OUTCOMES
    log = (searched.root / "dev.log").read_text()
    assert "planted_plug_in:spans" in log  # it is named; what it quoted is not


def test_the_search_finds_them_where_they_may_be(searched: Searched):
    raw = searched.server.home / "contributions"
    assert {word for _, word in found_in(raw, _FRAGMENTS)} >= {
        *("beeblebrox", "555-0143", "078-05-1120", "4111 1111"),
        *("prefect", "trillian", "slartibartfast", "marvin.android"),
    }


def test_nothing_planted_is_kept_but_in_the_raw_store(searched: Searched):
    raw = searched.server.home / "contributions"
    assert found_in(searched.server.home, _FRAGMENTS, without=[raw]) == []


def test_no_key_is_kept(searched: Searched):
    assert found_in(searched.server.home, searched.keys) == []


def test_what_the_servers_say_holds_neither(searched: Searched):
    log = (searched.root / "dev.log").read_text().lower()
    assert [word for word in _FRAGMENTS if word in log] == []
    assert [key for key in searched.keys if key.lower() in log] == []
