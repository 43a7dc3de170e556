"""Long: ten thousand ways to tamper with an attestation; each fails, and says why."""

import base64
import copy
import json
import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from securesystemslib.dsse import Envelope

from hokusai_assets.attestation.envelope import PAYLOAD_TYPE
from hokusai_assets.attestation.verification import verify

from .changed_statements import PUBLIC, KeyPath, another, changed
from .measured_contribution import SIGNING_KEY, measured_contribution, resign, write_predictions
from .test_verification import dict_paths, leaf_paths

Draw = Callable[[st.SearchStrategy[Any]], Any]
# The group order of Ed25519: RFC 8032, section 5.1.
ED25519_ORDER = 2**252 + 27742317777372353535851937790883648493
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

# The same ones each time, and none stored.
_MANY = settings(
    deadline=None,
    database=None,
    derandomize=True,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@pytest.fixture(scope="module")
def genuine(statement: dict[str, Any]) -> bytes:
    return resign(copy.deepcopy(statement))


def at(node: Any, path: KeyPath) -> Any:
    for key in path:
        node = node[key]
    return node


def other_value(value: Any, draw: Draw) -> Any:
    """Return another value, of the same type or not."""
    if isinstance(value, bool):
        return draw(st.sampled_from([not value, int(value), None]))
    if isinstance(value, int):
        return draw(
            st.sampled_from([value + 1, value - 1, -value - 1, value * 10 + 1, str(value), None])
        )
    if isinstance(value, str):
        return draw(
            st.sampled_from([value + "x", value[1:] or "y", value.swapcase() + "z", 0, None])
        )
    return draw(st.sampled_from(["", 0, False]))


def tampered_statement(statement: dict[str, Any], draw: Draw) -> dict[str, Any]:
    """Change, swap, reorder, add or take away something of a statement."""
    changed = copy.deepcopy(statement)
    kind = draw(st.sampled_from(["leaf", "swap", "reorder", "add", "remove", "rename", "repeat"]))
    objects = [p for p in dict_paths(changed) if len(at(changed, p)) > 1]
    lists = [p for p in list_paths(changed) if len(at(changed, p)) > 1]
    if kind == "leaf":
        path = draw(st.sampled_from(list(leaf_paths(changed))))
        node = at(changed, path[:-1])
        node[path[-1]] = other_value(node[path[-1]], draw)
    elif kind == "swap":
        node = at(changed, draw(st.sampled_from(objects)))
        one, other = draw(st.permutations(sorted(node)))[:2]
        node[one], node[other] = node[other], node[one]
    elif kind == "reorder":
        node = at(changed, draw(st.sampled_from(lists)))
        node[:] = draw(st.permutations(node))
    elif kind == "repeat":
        node = at(changed, draw(st.sampled_from(lists)))
        node.append(copy.deepcopy(draw(st.sampled_from(node))))
    else:
        node = at(changed, draw(st.sampled_from(objects)))
        key = draw(st.sampled_from(sorted(node)))
        if kind == "add":
            node[key + "_"] = node[key]
        elif kind == "remove":
            del node[key]
        else:
            node[key.swapcase()] = node.pop(key)
    return changed


def list_paths(node: Any, path: KeyPath = ()) -> list[KeyPath]:
    found = [path] if isinstance(node, list) else []
    if isinstance(node, dict | list):
        for key, value in node.items() if isinstance(node, dict) else enumerate(node):
            found += list_paths(value, (*path, key))
    return found


def respelt_payload(payload: str, draw: Draw) -> str:
    """Spell the same JSON, or nearly the same, otherwise."""
    number = draw(
        st.sampled_from([":1,", ":0,", ":1}", ":0}"]).filter(lambda part: part in payload)
    )
    bare = number[1:-1]
    forms = {
        "decimal": payload.replace(number, f":{bare}.0{number[-1]}", 1),
        "exponent": payload.replace(number, f":{bare}e0{number[-1]}", 1),
        "zeros": payload.replace(number, f":0{bare}{number[-1]}", 1),
        "minus": payload.replace(number, f":-{bare}{number[-1]}", 1),
        "space": payload.replace(":", ": ", 1),
        "line end": payload + "\n",
        "mark": "\ufeff" + payload,
        "escape": payload.replace("claim", "cl\\u0061im", 1),
        "slash": payload.replace("/", "\\/", 1),
        "twice": payload.replace('"dry_run":', '"dry_run":false,"dry_run":', 1),
        "wide": payload.replace("accuracy", "ａccuracy", 1),
        "decomposed": unicodedata.normalize("NFD", payload.replace("orders", "órders", 1)),
        "order": json.dumps(dict(reversed(json.loads(payload).items())), separators=(",", ":")),
    }
    return forms[draw(st.sampled_from(sorted(forms)))]


def tampered_signature(text: str, draw: Draw) -> str:
    """Change the base64 of a signature, or what it says."""
    raw = base64.b64decode(text)
    place, bit = draw(st.integers(0, 511)) // 8, draw(st.integers(0, 7))
    # With S + L it is the same signature to a lax reader: RFC 8032, section 5.1.7, refuses it.
    further = int.from_bytes(raw[32:], "little") + ED25519_ORDER
    bare = text.rstrip("=")
    # Bits of the last letter that decoding drops.
    loose = LETTERS[LETTERS.index(bare[-1]) ^ 1]
    forms = {
        "bit": raw[:place] + bytes([raw[place] ^ (1 << bit)]) + raw[place + 1 :],
        "order": raw[:32] + further.to_bytes(32, "little"),
        "cut": raw[: draw(st.integers(0, 63))],
        "long": raw + b"\0",
        "loose": bare[:-1] + loose + "=" * text.count("="),
        "bare": bare,
    }
    form = forms[draw(st.sampled_from(sorted(forms)))]
    return form if isinstance(form, str) else base64.b64encode(form).decode()


def tampered_envelope(envelope: dict[str, Any], draw: Draw) -> str:
    """Change the envelope around the payload, or its signature."""
    changed = copy.deepcopy(envelope)
    (signature,) = changed["signatures"]
    kind = draw(st.sampled_from(["signature", "none", "twice", "key", "type", "more", "member"]))
    if kind == "signature":
        signature["sig"] = tampered_signature(signature["sig"], draw)
    elif kind == "none":
        changed["signatures"] = []
    elif kind == "twice":
        changed["signatures"] = [signature, signature]
    elif kind == "key":
        signature["keyid"] = draw(st.sampled_from(["", "0" * 64, signature["keyid"].upper()]))
    elif kind == "type":
        changed["payloadType"] = draw(st.sampled_from(["application/json", "", "text/plain"]))
    elif kind == "member":
        signature["note"] = ""
    else:
        changed[draw(st.sampled_from(["note", "Payload", "signature"]))] = ""
    return json.dumps(changed)


@pytest.mark.slow
@settings(_MANY, max_examples=10_000)
@given(data=st.data())
def test_whatever_is_tampered_with_fails_and_says_why(
    statement: dict[str, Any], genuine: bytes, data: st.DataObject
):
    envelope = json.loads(genuine)
    payload = base64.b64decode(envelope["payload"]).decode()
    kind = data.draw(st.sampled_from(["statement", "statement", "spelling", "envelope"]))
    if kind == "envelope":
        changed = tampered_envelope(envelope, data.draw).encode()
    else:
        if kind == "statement":
            other = tampered_statement(statement, data.draw)
            text = json.dumps(other, separators=(",", ":"), sort_keys=True, ensure_ascii=False)
        else:
            text = respelt_payload(payload, data.draw)
        if text == payload:
            return
        envelope["payload"] = base64.b64encode(text.encode()).decode()
        changed = json.dumps(envelope).encode()
    verification = verify(changed, public_key=PUBLIC)
    assert not verification.passed
    told = [check for check in verification.checks if check.outcome == "fail"]
    assert told and all(check.detail for check in told)


# What no file but the contribution's own, or the issuer's machine and ledger, could tell.
ISSUERS_WORD = {
    "claim.code.sha256",
    "claim.contribution.licence",
    "claim.contributors.*.id",
    "claim.history.checked",
    "claim.result.rows.hashed",
    "claim.result.rows.root",
    "claim.settlement.budget.ledger_digest",
    "claim.settlement.budget.position",
    "environment.machine",
    "environment.packages.*.sha256",
    "environment.packages.*.version",
    "environment.python",
}


def place_of(path: KeyPath) -> str:
    """Name a leaf, whatever its place in a list or the package's name."""
    names = ["*" if isinstance(key, int) else key for key in path[1:]]
    if names[:2] == ["environment", "packages"]:
        names[2] = "*"
    return ".".join(names)


@pytest.mark.slow
def test_what_the_issuer_forges_and_signs_fails_but_for_what_stands_on_its_word(
    tmp_path: Path,
):
    parts = measured_contribution(tmp_path)
    statement = parts.statement()
    predictions = write_predictions(parts, tmp_path / "predictions.parquet", lambda table: table)
    passed = set()
    for path in leaf_paths(statement):
        if path[-1] in ("attestation_hash", "result_hash"):
            # Made to fit again below.
            continue
        forged = resign(changed(statement, path, another))
        if (
            verify(forged, public_key=PUBLIC).passed
            and verify(
                forged, public_key=PUBLIC, predictions=[predictions], data_folder=tmp_path
            ).passed
        ):
            passed.add(place_of(path))
    assert passed == ISSUERS_WORD


@pytest.mark.slow
@settings(_MANY, max_examples=2_000)
@given(data=st.data())
def test_no_other_spelling_of_a_statement_passes_though_the_issuer_signs_it(
    statement: dict[str, Any], data: st.DataObject
):
    genuine = json.loads(resign(copy.deepcopy(statement)))
    payload = base64.b64decode(genuine["payload"]).decode()
    text = respelt_payload(payload, data.draw)
    if text == payload:
        return
    verification = verify(signed_text(text), public_key=PUBLIC)
    assert not verification.passed
    assert [check.detail for check in verification.checks if check.outcome == "fail"]


def signed_text(payload: str) -> bytes:
    """Sign a payload that the platform itself would never write."""
    envelope = Envelope(payload.encode(), PAYLOAD_TYPE, {})
    envelope.sign(SIGNING_KEY)
    return json.dumps(envelope.to_dict()).encode()
