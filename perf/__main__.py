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

TITLE = """# Benchmarks

Written by `make bench`; `python -m perf NAME --write` measures one section anew.
"""
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
    for name in given.names or known:
        print(f"running {name} ...", file=sys.stderr)
        text = table(importlib.import_module(f"perf.bench_{name}").run(given.scale))
        print(f"## {name}\n\n{text}\n")
        if given.write:
            # One by one: what is measured stands, whatever becomes of the rest.
            before = RESULTS.read_text(encoding="utf-8") if RESULTS.exists() else ""
            after = with_section(before, name, f"{facts(given.scale)}\n\n{text}")
            RESULTS.write_text(after, encoding="utf-8")


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


def facts(scale: float) -> str:
    """Return what was measured on, as a sentence."""
    packages = ", ".join(f"{name} {_version(name)}" for name in PACKAGES)
    return (
        f"Scale {scale:g}; {_processor()}, {os.cpu_count()} cores, {_memory_gib():.0f} GiB; "
        f"{platform.system()} {platform.machine()}, Python {platform.python_version()}; {packages}."
    )


def with_section(document: str, name: str, text: str) -> str:
    """Return the document with one benchmark's section new or replaced, sections by name."""
    _, *parts = document.split("\n## ")
    sections = dict(part.split("\n", 1) for part in parts)
    sections[name] = f"\n{text}\n"
    joined = "".join(f"\n## {key}\n{sections[key].rstrip()}\n" for key in sorted(sections))
    return f"{TITLE}{joined}"


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
