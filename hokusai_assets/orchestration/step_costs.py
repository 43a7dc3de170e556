"""What each step of a run costs: wall and CPU seconds, rows per second, peak memory.

It listens to Dagster's events of the run, so no step knows of it. With the in-process executor an
event is heard on the spot; what it measures is the process: its threads, and its children's CPU.
"""

import os
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dagster import DagsterEventType

# What a step went through, the first of these that it tells.
_ROWS = ("rows_in", "train_rows", "dagster/partition_row_count", "dagster/row_count")
_SAMPLE_SECONDS = 0.05
_STARTS = {DagsterEventType.STEP_START, DagsterEventType.STEP_RESTARTED}
_ENDS = {
    DagsterEventType.STEP_SUCCESS,
    DagsterEventType.STEP_FAILURE,
    DagsterEventType.STEP_UP_FOR_RETRY,
}


@dataclass
class StepCost:
    """What a step cost, all its tries together.

    Attributes:
        wall_seconds, cpu_seconds: with its inputs read and its output stored.
        peak_bytes: most resident memory of the process meanwhile.
        rows: what it went through, None if it does not tell or kept an earlier value.
    """

    wall_seconds: float = 0.0
    cpu_seconds: float = 0.0
    peak_bytes: int = 0
    rows: int | None = None


class StepCosts:
    """Measures the steps of one run from its events.

    Attributes:
        steps: by asset name, in the order they ran.
    """

    def __init__(self) -> None:
        self.steps: dict[str, StepCost] = {}
        self._started: tuple[float, float] = (0.0, 0.0)
        self._memory: _PeakMemory | None = None

    def hear(self, entry: Any) -> None:
        """Take an entry of Dagster's event log."""
        event = entry.dagster_event
        if event is None or event.step_key is None:
            return
        name = event.step_key.split("__")[-1]
        if event.event_type in _STARTS:
            self._begin()
        elif event.event_type in _ENDS:
            self._finish(name)
        elif event.event_type == DagsterEventType.ASSET_MATERIALIZATION:
            self._of(name).rows = _rows_of(event.materialization.metadata)

    def metrics(self) -> dict[str, float]:
        """Return MLflow's metrics: ``step/<asset>.wall_seconds`` and so on, and the run's."""
        logged: dict[str, float] = {}
        for name, cost in self.steps.items():
            logged[f"step/{name}.wall_seconds"] = cost.wall_seconds
            logged[f"step/{name}.cpu_seconds"] = cost.cpu_seconds
            logged[f"step/{name}.peak_memory_mb"] = cost.peak_bytes / 1e6
            if cost.rows is not None and cost.wall_seconds > 0:
                logged[f"step/{name}.rows_per_second"] = cost.rows / cost.wall_seconds
        costs = self.steps.values()
        if costs:
            logged["run/wall_seconds"] = sum(cost.wall_seconds for cost in costs)
            logged["run/cpu_seconds"] = sum(cost.cpu_seconds for cost in costs)
            logged["run/peak_memory_mb"] = max(cost.peak_bytes for cost in costs) / 1e6
        return logged

    def _of(self, name: str) -> StepCost:
        return self.steps.setdefault(name, StepCost())

    def _begin(self) -> None:
        self._memory = _PeakMemory()
        self._started = (time.monotonic(), _cpu_seconds())

    def _finish(self, name: str) -> None:
        if self._memory is None:
            return
        wall, cpu = self._started
        cost = self._of(name)
        cost.wall_seconds += time.monotonic() - wall
        cost.cpu_seconds += _cpu_seconds() - cpu
        cost.peak_bytes = max(cost.peak_bytes, self._memory.stop())
        self._memory = None


def _rows_of(metadata: Any) -> int | None:
    reused = metadata.get("reused")
    if reused is not None and reused.value:
        return None
    told = [metadata[key].value for key in _ROWS if key in metadata]
    return told[0] if told else None


def _cpu_seconds() -> float:
    used = os.times()
    return used.user + used.system + used.children_user + used.children_system


class _PeakMemory:
    """The most resident memory of this process from its making to `stop`.

    The kernel's high-water mark is exact where a step raises it. Below an earlier step's mark it
    is sampled: to reset the mark would falsify what others read of this process.
    """

    def __init__(self) -> None:
        self._mark = _status_bytes("VmHWM")
        self._peak = _status_bytes("VmRSS")
        self._over = threading.Event()
        self._sampler = threading.Thread(target=self._sample, name="peak memory", daemon=True)
        self._sampler.start()

    def stop(self) -> int:
        """Return it, in bytes."""
        self._over.set()
        self._sampler.join()
        mark = _status_bytes("VmHWM")
        return mark if mark > self._mark else max(self._peak, _status_bytes("VmRSS"))

    def _sample(self) -> None:
        while not self._over.wait(_SAMPLE_SECONDS):
            self._peak = max(self._peak, _status_bytes("VmRSS"))


def _status_bytes(name: str) -> int:
    """Return a figure of this process from Linux; 0 elsewhere."""
    try:
        lines = Path("/proc/self/status").read_text(encoding="ascii", errors="replace").split("\n")
    except OSError:
        return 0
    found = [line.split()[1] for line in lines if line.startswith(f"{name}:")]
    return int(found[0]) * 1024 if found else 0
