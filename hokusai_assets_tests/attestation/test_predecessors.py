"""What was paid before is held against the attestations of those who were paid."""

import copy
from pathlib import Path
from typing import Any

import pytest

from hokusai_assets.attestation.predecessors import check_predecessors, tells_of
from hokusai_assets.attestation.relations import Broken
from hokusai_assets.attestation.verification import Verification, verify

from .changed_statements import PUBLIC, changed, details, failed
from .measured_contribution import resign

ROOTS = {"one-000000000001": "1" * 64, "two-000000000002": "2" * 64, "own-000000000003": "3" * 64}
ONE, TWO, OWN = ROOTS
BEFORE = ("predicate", "claim", "settlement", "accepted_before")


def claim_of(
    key: str,
    before: tuple[str, ...] = (),
    *,
    payable: int = 0,
    paid_before: int = 0,
    paid_for_it: int = 0,
    accepted: bool = True,
    **benchmark: str,
) -> dict[str, Any]:
    version = {"id": "b", "spec_hash": "a", "base_root": "b", "test_root": "c"}
    return {
        "contribution": {"key": key},
        "result": {"rows": {"root": ROOTS[key]}, "benchmark": version | benchmark},
        "settlement": {
            "accepted_before": [{"key": each, "rows_root": ROOTS[each]} for each in before],
            "paid_before_bps": paid_before,
            "paid_for_it_before_bps": paid_for_it,
            "delta_one": {"accepted": accepted, "payable_bps": payable},
        },
    }


FIRST = claim_of(ONE, payable=120)
SECOND = claim_of(TWO, (ONE,), payable=30, paid_before=120)
THIRD = claim_of(OWN, (ONE, TWO), payable=7, paid_before=150)


def test_those_before_it_in_any_order_add_up() -> None:
    assert "the 2 accepted before are attested and pay 150" in check_predecessors(
        THIRD, [SECOND, FIRST]
    )
    assert check_predecessors(SECOND, [FIRST])
    assert check_predecessors(FIRST, [])


def test_a_second_attestation_of_one_that_pays_the_same_changes_nothing() -> None:
    again = copy.deepcopy(FIRST)
    again["result"]["estimator"] = "of other code"
    assert check_predecessors(THIRD, [FIRST, again, SECOND])
    again["settlement"]["delta_one"]["payable_bps"] += 1
    with pytest.raises(Broken, match="pays two amounts"):
        check_predecessors(THIRD, [FIRST, again, SECOND])


@pytest.mark.parametrize(
    ("claim", "earlier", "told"),
    [
        (THIRD, [FIRST], "needed too: two-"),
        (THIRD, [], "needed too: one-000000000001, two-"),
        (
            claim_of(OWN, (ONE, TWO), paid_before=30),
            [FIRST, SECOND],
            "pay 150 basis points, not 30",
        ),
        (claim_of(OWN, (ONE,), paid_before=121), [FIRST], "pay 120 basis points, not 121"),
        (claim_of(OWN, (TWO, ONE), paid_before=150), [FIRST, SECOND], "after others than those"),
        (claim_of(OWN, (TWO,), paid_before=30), [SECOND], "after others than those"),
        (SECOND, [claim_of(ONE, payable=120, accepted=False)], "one-.* was not accepted"),
        (SECOND, [claim_of(ONE, payable=120, test_root="d")], "needed too: one-"),
        (FIRST, [claim_of(ONE, payable=1, base_root="d")], "pay 1 basis points, not 0"),
        (FIRST, [claim_of(ONE, payable=1, spec_hash="d")], "pay 1 basis points, not 0"),
        (claim_of(ONE, payable=0, paid_for_it=9), [], "pay 0 basis points, not 9"),
    ],
)
def test_what_does_not_fit_is_named(
    claim: dict[str, Any], earlier: list[dict[str, Any]], told: str
) -> None:
    with pytest.raises(Broken, match=told):
        check_predecessors(claim, earlier)


def test_what_tells_nothing_of_it_is_of_no_account() -> None:
    others = [
        claim_of(TWO, payable=5, accepted=False),
        claim_of(ONE, payable=5, id="another benchmark", base_root="d"),
        THIRD,
    ]
    assert not any(tells_of(SECOND, other) for other in others)
    assert check_predecessors(SECOND, [FIRST, *others])
    # Of its own version, which it is itself.
    assert not tells_of(FIRST, FIRST)


def test_what_was_paid_for_it_on_other_versions_is_counted_once_a_version() -> None:
    other = claim_of(ONE, payable=60, base_root="d")
    own = claim_of(ONE, payable=60, paid_for_it=60)
    assert check_predecessors(own, [other, copy.deepcopy(other)])
    with pytest.raises(Broken, match="pay 61 basis points, not 60"):
        check_predecessors(own, [other, claim_of(ONE, payable=1, spec_hash="d")])


def outcome(verification: Verification) -> str:
    return {check.name: check.outcome for check in verification.checks}.get("predecessors", "")


def test_a_verification_says_where_nothing_is_given_and_nothing_where_there_is_nothing(
    statement: dict[str, Any],
) -> None:
    assert outcome(verify(resign(statement), public_key=PUBLIC)) == ""
    later = changed(statement, BEFORE, lambda _: [{"key": ONE, "rows_root": ROOTS[ONE]}])
    assert outcome(verify(resign(later), public_key=PUBLIC)) == "not checked"


def test_a_predecessor_must_verify_by_itself(statement: dict[str, Any], tmp_path: Path) -> None:
    key, root = "orders-000000000001", "1" * 64
    earlier = changed(statement, ("predicate", "claim", "contribution", "key"), lambda _: key)
    earlier = changed(earlier, ("predicate", "claim", "result", "rows", "root"), lambda _: root)
    path, other = tmp_path / "earlier.dsse.json", tmp_path / "other.dsse.json"
    path.write_bytes(resign(earlier))
    other.write_bytes(b"no attestation")
    later = changed(statement, BEFORE, lambda _: [{"key": key, "rows_root": root}])
    verification = verify(resign(later), public_key=PUBLIC, predecessors=[path, other])
    assert "predecessors" in failed(verification)
    assert "earlier.dsse.json does not verify: statement: " in details(verification)
