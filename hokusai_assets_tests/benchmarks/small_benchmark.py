"""A small benchmark folder that tests change one thing of."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
from ruamel.yaml import YAML

from hokusai_assets.privacy.keys import PrivacyKey

KEY = PrivacyKey("kabcdef", b"x" * 32)
SPEC_TEXT = """\
version: 1
id: small
task: binary
target: late
labels: [no, yes]
positive_label: yes
data: {train: base.parquet, test: test.parquet}
columns:
  parcels: {type: integer}
  km: {type: number}
  note: {type: text}
model: {estimator: logistic_regression, params: {C: 0.5, tol: 1e-4}}
metrics: {primary: auroc, secondary: [f1, accuracy]}
guardrails: {accuracy: {max_drop_bps: 50}}
seed: 7
"""


def rows(count: int) -> pa.Table:
    return pa.table(
        {
            "parcels": pa.array([i % 7 for i in range(count)], pa.int64()),
            "km": pa.array([None if i % 5 == 4 else i / 3 for i in range(count)], pa.float64()),
            "note": [f'ring "{i}", then\nleave' for i in range(count)],
            "late": ["yes" if i % 3 == 0 else "no" for i in range(count)],
        }
    )


def raw_spec(text: str = SPEC_TEXT) -> dict[str, Any]:
    raw: dict[str, Any] = YAML(typ="safe", pure=True).load(text)
    return raw


def write(table: pa.Table, path: Path) -> None:
    if path.suffix == ".csv":
        pa_csv.write_csv(table, path)
    else:
        pq.write_table(table, path)


def write_small(
    root: Path,
    text: str = SPEC_TEXT,
    *,
    base: pa.Table | None = None,
    test: pa.Table | None = None,
    ending: str = ".parquet",
) -> Path:
    folder = root / "small"
    folder.mkdir(parents=True)
    (folder / "benchmark.yaml").write_text(text.replace(".parquet", ending), encoding="utf-8")
    write(rows(30) if base is None else base, folder / f"base{ending}")
    write(rows(20) if test is None else test, folder / f"test{ending}")
    return folder
