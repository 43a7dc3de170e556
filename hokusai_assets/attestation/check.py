"""One thing looked at: its outcome, and a step that ends in one."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import pyarrow as pa

from hokusai_assets.attestation.relations import Broken

Outcome = Literal["pass", "fail", "not checked"]


@dataclass(frozen=True)
class Check:
    """One thing looked at: its name, how it came out, and a sentence."""

    name: str
    outcome: Outcome
    detail: str

    def to_dict(self) -> dict[str, str]:
        """Return the attributes by name."""
        return {"name": self.name, "outcome": self.outcome, "detail": self.detail}


def run_check(name: str, step: Callable[[], str | None], detail: str = "") -> Check:
    """Return how a step came out: it fails where it raises for what it was given.

    Args:
        name: the check's.
        step: may return the sentence for a pass.
        detail: that sentence, where it returns none.
    """
    try:
        told = step()
    except Broken as error:
        return Check(name, "fail", str(error))
    except (OSError, pa.ArrowException) as error:
        return Check(name, "fail", f"the file can't be read ({type(error).__name__})")
    except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError) as error:
        return Check(name, "fail", f"it is not of the known form ({error!r:.80})")
    return Check(name, "pass", told or detail)
