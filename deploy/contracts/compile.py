"""Compiles DeltaVerifier.vy into DeltaVerifier.json: ABI, bytecode, and what made them.

python deploy/contracts/compile.py
"""

import json
from pathlib import Path
from typing import Any

SOURCE = Path(__file__).with_name("DeltaVerifier.vy")
COMPILED = SOURCE.with_suffix(".json")


def compiled() -> dict[str, Any]:
    """Return the contract's name, compiler, ABI and bytecode to deploy."""
    import vyper

    text = SOURCE.read_text(encoding="utf-8")
    made = vyper.compile_code(text, output_formats=["abi", "bytecode"])
    return {
        "contract": SOURCE.stem,
        "compiler": f"vyper {vyper.__version__}",
        "abi": made["abi"],
        "bytecode": made["bytecode"],
    }


if __name__ == "__main__":
    COMPILED.write_text(json.dumps(compiled(), indent=1) + "\n", encoding="utf-8")
