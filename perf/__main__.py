"""`python -m perf`: runs every benchmark, prints one table, writes it down with `--write`."""

from __future__ import annotations

import argparse
import importlib
import os
import pkgutil
import platform
import sys
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import perf

RESULTS = Path(__file__).with_name("RESULTS.md")
PACKAGES = ("numpy", "pyarrow", "phonenumbers", "presidio-analyzer", "pandas", "scikit-learn")


def main(arguments: list[str] | None = None) -> None:
    """Run the benchmarks that are named, or all."""
    parser = argparse.ArgumentParser(prog="python -m perf", description=__doc__)
    parser.add_argument("names", nargs="*", help="bench_NAME.py to run; all if none is named")
    parser.add_argument("--scale", type=float, default=1.0, help="share of the full work")
    parser.add_argument("--write", action="store_true", help="write the table to perf/RESULTS.md")
    given = parser.parse_args(arguments)
    known = benchmarks()
    if unknown := sorted(set(given.names) - set(known)):
        parser.error(f"no benchmark {', '.join(unknown)}; there are {', '.join(known)}")
    rows: list[dict[str, Any]] = []
    for name in given.names or known:
        print(f"running {name} ...", file=sys.stderr)
        rows += importlib.import_module(f"perf.bench_{name}").run(given.scale)
    text = table(rows)
    print(text)
    if given.write:
        RESULTS.write_text(document(text, given.scale), encoding="utf-8")


def benchmarks() -> list[str]:
    """Return the names of all `bench_*.py`, in order."""
    found = (module.name for module in pkgutil.iter_modules(perf.__path__))
    return sorted(name.removeprefix("bench_") for name in found if name.startswith("bench_"))


def table(rows: Iterable[dict[str, Any]]) -> str:
    """Write rows as a Markdown table."""
    lines = ["| what | figure | peer | its figure | ratio |", "|---|---|---|---|---|"]
    for row in rows:
        peer = row["peer"] or ""
        figure = _shown(row["peer_figure"], row["unit"]) if peer else ""
        ratio = "" if row["ratio"] is None else f"{row['ratio']:,.1f}"
        ours = _shown(row["figure"], row["unit"])
        lines.append(f"| {row['what']} | {ours} | {peer} | {figure} | {ratio} |")
    return "\n".join(lines)


def _shown(figure: float, unit: str) -> str:
    return f"{figure:,.0f} {unit}" if abs(figure) >= 100 else f"{figure:,.3g} {unit}"


def document(text: str, scale: float) -> str:
    """Return the results with the facts about the machine that they were measured on."""
    facts = [
        f"{_processor()}, {os.cpu_count()} cores, {_memory_gib():.0f} GiB of memory",
        f"{platform.system()} {platform.machine()}, Python {platform.python_version()}",
        ", ".join(f"{name} {_version(name)}" for name in PACKAGES),
        f"`python -m perf --scale {scale:g} --write`",
    ]
    listed = "\n".join(f"- {fact}" for fact in facts)
    return f"# Benchmarks\n\nWritten by `make bench`, measured on:\n\n{listed}\n\n{text}\n"


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or "unknown processor"
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, "unknown processor")


def _memory_gib() -> float:
    return float(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")) / 2**30


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


if __name__ == "__main__":
    main()
