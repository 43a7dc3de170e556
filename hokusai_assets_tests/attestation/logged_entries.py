"""Lines for a log, made without measuring anything, and a process that appends one."""

import hashlib
import sys
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from hokusai_assets.attestation.key_files import signer_of
from hokusai_assets.attestation.transparency_log import TransparencyLog, log_line

LOG_KEY = signer_of(Ed25519PrivateKey.from_private_bytes(b"a key of a log in tests 32 bytes"))


def line_of(number: int, *, attested: int = 0, rows: int | None = None, **benchmark: str) -> bytes:
    """Return the line of an attestation; `attested` tells several of one contribution apart.

    `rows` are those kept of the file; None gives each file rows of its own.
    """
    name = hashlib.sha256(b"%d" % number).hexdigest()
    kept = hashlib.sha256(b"rows %d" % (number if rows is None else rows)).hexdigest()
    attestation = hashlib.sha256(b"%d %d" % (number, attested)).hexdigest()
    statement: dict[str, Any] = {
        "predicate": {
            "claim": {
                "contribution": {"key": f"orders-{name[:12]}", "raw_sha256": name},
                "result": {
                    "benchmark": {
                        "id": "generated",
                        "spec_hash": "1" * 64,
                        "base_root": "2" * 64,
                        "test_root": "3" * 64,
                    }
                    | benchmark,
                    "rows": {"root": kept},
                },
            },
            "attestation_hash": attestation,
            "result_hash": name,
        }
    }
    return log_line(statement)


if __name__ == "__main__":
    folder, first, last = sys.argv[1:]
    for number in range(int(first), int(last)):
        TransparencyLog(Path(folder)).append(line_of(number), LOG_KEY)
