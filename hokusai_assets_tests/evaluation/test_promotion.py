"""Promotion: accepted rows join the base set, the old version stays readable, nothing is half."""

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pytest

from hokusai_assets.benchmarks import versions
from hokusai_assets.benchmarks.loading import Benchmark, load_benchmark, load_spec
from hokusai_assets.benchmarks.row_sets import RowSet, StoredRows, store_rows
from hokusai_assets.benchmarks.spec import SpecError
from hokusai_assets.evaluation import promotion as promotion_module
from hokusai_assets.evaluation.ledger import Ledger
from hokusai_assets.evaluation.ledger_entries import Settled
from hokusai_assets.evaluation.ledger_state import LedgerError
from hokusai_assets.evaluation.promotion import (
    NothingToPromote,
    Promotion,
    PromotionMoved,
    carry_out,
    plan_promotion,
)
from hokusai_assets.evaluation.settlement import budget_of

from ..benchmarks.small_benchmark import KEY, SPEC_TEXT, rows, write_small


@dataclass
class Deployment:
    """A benchmark's folder, its ledger, and rows of contributions as intake stored them."""

    folder: Path
    ledger: Ledger
    stored: dict[str, StoredRows]

    @property
    def benchmark(self) -> Benchmark:
        return load_benchmark(self.folder, KEY)

    def contribute(self, key: str, table: pa.Table, *, payable: int) -> None:
        """Store rows and settle them; with something payable they are accepted."""
        path = self.folder.parent.parent / f"{key}.stored"
        stored = store_rows(table, path)
        self.stored[key] = stored
        benchmark = self.benchmark
        with self.ledger.turn(
            budget_of(benchmark),
            version=benchmark.content_digest,
            key=stored.root,
            rows_root=stored.root,
        ) as turn:
            turn.settle(
                Settled(
                    test_root=benchmark.test.root,
                    version=benchmark.content_digest,
                    key=key,
                    rows_root=stored.root,
                    position=turn.standing.position,
                    accepted=payable > 0,
                    bps=2 * payable,
                    payable_bps=payable,
                )
            )

    def rows_of(self, entry: Settled) -> StoredRows:
        return self.stored[entry.key]

    def plan(self, *without: str) -> Promotion:
        benchmark = self.benchmark
        accepted = self.ledger.accepted(benchmark.content_digest)
        return plan_promotion(benchmark, self.folder, accepted, self.rows_of, without=without)

    def promote(self, *without: str) -> Promotion:
        promotion = self.plan(*without)
        carry_out(promotion, self.folder, self.ledger, self.rows_of)
        return promotion


def contributed(start: int, count: int) -> pa.Table:
    """Return typed rows with columns in the benchmark's order, by name."""
    table = rows(start + count).slice(start)
    schema = pa.schema(
        [
            ("km", pa.float64()),
            ("late", pa.string()),
            ("note", pa.string()),
            ("parcels", pa.int64()),
        ]
    )
    return table.select(schema.names).cast(schema)


def deployed(root: Path, text: str = SPEC_TEXT) -> Deployment:
    # Not Parquet, which is decoded in a process of its own: slow for a test that loads often.
    folder = write_small(root / "benchmarks", text, ending=".csv")
    return Deployment(folder, Ledger(root / "home" / "ledger.jsonl"), {})


@pytest.fixture
def deployment(tmp_path: Path) -> Deployment:
    found = deployed(tmp_path)
    found.contribute("first", contributed(100, 12), payable=30)
    found.contribute("worthless", contributed(200, 9), payable=0)
    found.contribute("second", contributed(300, 8), payable=20)
    return found


def files(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != ".lock"
    }


def test_the_new_base_set_is_the_old_one_and_the_accepted_rows(deployment: Deployment):
    before = deployment.benchmark
    promotion = deployment.promote()
    after = deployment.benchmark
    tables = [before.base.table, contributed(100, 12), contributed(300, 8)]
    assert after.base.root == RowSet.of(pa.concat_tables(tables)).root
    assert after.test.root == before.test.root
    assert after.content_digest == promotion.to_version != before.content_digest
    assert after.spec.spec_hash() == before.spec.spec_hash()
    assert after.spec.benchmark_version == 2
    assert after.spec.lineage is not None
    assert after.spec.lineage.promoted_from == before.content_digest


def test_the_old_version_loads_as_it_was_also_after_a_second_promotion(deployment: Deployment):
    first = deployment.benchmark
    deployment.promote()
    second = deployment.benchmark
    deployment.contribute("third", contributed(400, 10), payable=5)
    deployment.promote()
    assert load_spec(deployment.folder).benchmark_version == 3
    for version, was in ((1, first), (2, second)):
        again = load_benchmark(deployment.folder, KEY, version=version)
        assert again.content_digest == was.content_digest
        assert again.spec == was.spec
    with pytest.raises(SpecError, match="there is no version 4"):
        load_spec(deployment.folder, version=4)


def test_the_record_names_what_was_promoted_with_the_roots_that_attestations_name(
    deployment: Deployment,
):
    promotion = deployment.promote("first")
    record = json.loads((deployment.folder / "versions" / "2.json").read_bytes())
    assert record == promotion.to_dict()
    (entry,) = record["contributions"]
    assert entry["key"] == "second"
    assert entry["rows_root"] == deployment.stored["second"].root
    assert (entry["rows"], entry["position"], entry["payable_bps"]) == (8, 3, 20)
    assert record["left_out"] == ["first"]
    assert record["base_rows"] == record["base_rows_before"] + 8
    assert StoredRows.open(deployment.folder / "promoted" / "second.parquet").count == 8


def test_comments_and_other_keys_of_the_spec_stay_and_a_loaded_baseline_goes(tmp_path: Path):
    text = SPEC_TEXT.replace("seed: 7", "seed: 7  # drawn by lot")
    text += f"baseline: {{source: file, path: m.skops, sha256: {'0a' * 32}}}\n"
    found = deployed(tmp_path, text)
    (found.folder / "m.skops").touch()
    found.contribute("first", contributed(100, 12), payable=30)
    found.promote()
    new = (found.folder / "benchmark.yaml").read_text()
    assert "seed: 7  # drawn by lot" in new
    spec = load_spec(found.folder)
    assert spec.baseline.source == "train"
    assert load_spec(found.folder, version=1).baseline.source == "file"
    same = {"data", "lineage", "baseline"}
    old = load_spec(found.folder, version=1)
    assert spec.model_dump(exclude=same) == old.model_dump(exclude=same)


def test_the_budget_goes_on_and_what_was_accepted_starts_anew(deployment: Deployment):
    deployment.promote()
    benchmark = deployment.benchmark
    with deployment.ledger.turn(
        budget_of(benchmark), version=benchmark.content_digest, key="new", rows_root="new"
    ) as turn:
        assert turn.standing.position == 4
        assert turn.standing.accepted == ()
        assert turn.standing.paid_bps == 0
    assert deployment.ledger.summary() == {"submissions": 100, "spent": 3, "accepted": 0}


def test_nothing_more_is_settled_on_the_old_version_but_what_was_stays_readable(
    deployment: Deployment,
):
    old = deployment.benchmark
    deployment.promote()

    def turn(root: str):
        return deployment.ledger.turn(
            budget_of(old), version=old.content_digest, key=root, rows_root=root
        )

    with pytest.raises(LedgerError, match="closed by the promotion of first, second"), turn("new"):
        pass
    with pytest.raises(LedgerError, match="closed by the promotion"):
        deployment.ledger.refusal(budget_of(old), version=old.content_digest, key="new")
    with turn(deployment.stored["first"].root) as again:
        assert again.standing.recorded is not None


def test_without_accepted_contributions_there_is_nothing_to_promote(tmp_path: Path):
    found = deployed(tmp_path)
    with pytest.raises(NothingToPromote, match="no contribution to small was accepted"):
        found.plan()
    found.contribute("first", contributed(100, 12), payable=30)
    with pytest.raises(NothingToPromote, match="every accepted contribution is left out"):
        found.plan("first")
    with pytest.raises(NothingToPromote, match=r"other was not accepted.*accepted are: first"):
        found.plan("other")


def test_rows_of_other_columns_or_other_rows_than_settled_are_refused(deployment: Deployment):
    settled = deployment.stored["first"]
    other = contributed(100, 12).drop_columns(["note"])
    deployment.stored["first"] = store_rows(other, settled.path.with_name("other.stored"))
    with pytest.raises(SpecError, match="other columns or types"):
        deployment.plan()
    changed = store_rows(contributed(500, 12), settled.path.with_name("changed.stored"))
    deployment.stored["first"] = StoredRows(changed.path, changed.count, settled.root)
    with pytest.raises(SpecError, match="its rows are not those that were accepted"):
        deployment.plan()


def test_a_contribution_accepted_since_the_plan_stops_it(deployment: Deployment):
    promotion = deployment.plan()
    deployment.contribute("late", contributed(600, 7), payable=10)
    before = files(deployment.folder)
    with pytest.raises(PromotionMoved, match="plan it again"):
        carry_out(promotion, deployment.folder, deployment.ledger, deployment.rows_of)
    assert files(deployment.folder) == before


def test_a_spec_edited_since_the_plan_stops_it(deployment: Deployment):
    promotion = deployment.plan()
    path = deployment.folder / "benchmark.yaml"
    path.write_text(path.read_text() + "title: New\n")
    with pytest.raises(PromotionMoved, match=r"benchmark\.yaml was edited"):
        carry_out(promotion, deployment.folder, deployment.ledger, deployment.rows_of)


@pytest.mark.parametrize("step", ["write_next_version", "record", "put_in_force"])
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_crash_leaves_the_old_version_or_the_new_and_the_same_command_finishes_it(
    deployment: Deployment, step: str, when: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    class Crash(Exception):
        pass

    def crashing(real: Callable[..., None]) -> Callable[..., None]:
        def crash(*arguments: object, **named: object) -> None:
            if when == "after":
                real(*arguments, **named)
            raise Crash

        return crash

    home = tmp_path / "home"
    whole = Deployment(
        shutil.copytree(deployment.folder, tmp_path / "undisturbed" / "small"),
        Ledger(shutil.copytree(home, tmp_path / "undisturbed-home") / "ledger.jsonl"),
        deployment.stored,
    )
    old, planned = deployment.benchmark, deployment.plan()
    with monkeypatch.context() as patched:
        if step == "record":
            from hokusai_assets.evaluation.ledger import PromotionTurn

            patched.setattr(PromotionTurn, "record", crashing(PromotionTurn.record))
        else:
            patched.setattr(promotion_module, step, crashing(getattr(versions, step)))
        with pytest.raises(Crash):
            deployment.promote()
    now = deployment.benchmark.content_digest
    if (step, when) == ("put_in_force", "after"):
        assert now == planned.to_version
    else:
        assert now == old.content_digest
        deployment.promote()
    whole.promote()
    assert files(deployment.folder) == files(whole.folder)
    assert (home / "ledger.jsonl").read_bytes() == (
        tmp_path / "undisturbed-home" / "ledger.jsonl"
    ).read_bytes()


def test_a_version_of_another_history_is_not_overwritten(deployment: Deployment):
    deployment.promote()
    spec = deployment.folder / "benchmark.yaml"
    text = spec.read_text()
    spec.write_text(text[: text.index("lineage:")])
    assert deployment.benchmark.spec.benchmark_version == 1
    deployment.contribute("late", contributed(600, 7), payable=10)
    before = files(deployment.folder)
    with pytest.raises(SpecError, match=r"versions/1\.yaml is there already, with other content"):
        deployment.promote()
    kept = files(deployment.folder)
    assert {name: kept[name] for name in before} == before


def test_promoted_rows_are_for_their_owner_only(deployment: Deployment):
    deployment.promote()
    path = deployment.folder / "promoted" / "first.parquet"
    assert path.stat().st_mode & 0o077 == 0


def test_left_out_and_sent_again_a_contribution_is_not_paid_twice(deployment: Deployment):
    deployment.promote("second")
    benchmark = deployment.benchmark
    with deployment.ledger.turn(
        budget_of(benchmark),
        version=benchmark.content_digest,
        key="second",
        rows_root=deployment.stored["second"].root,
    ) as turn:
        assert turn.standing.paid_elsewhere_bps == 20


def test_an_interrupted_promotion_is_not_finished_as_another_one(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
):
    def crash(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(promotion_module, "put_in_force", crash)
        with pytest.raises(KeyboardInterrupt):
            deployment.promote()
    with pytest.raises(LedgerError, match="of first, second; promote the same ones"):
        deployment.promote("second")


def test_promoted_rows_that_are_gone_or_damaged_are_named(deployment: Deployment):
    deployment.promote()
    path = deployment.folder / "promoted" / "first.parquet"
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(SpecError, match=r"promoted/first\.parquet can't be read as promoted rows"):
        deployment.benchmark  # noqa: B018
    path.unlink()
    with pytest.raises(SpecError, match=r"promoted/first\.parquet"):
        deployment.benchmark  # noqa: B018
