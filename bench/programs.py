"""The programs that are measured: how each is started, and how it is seen to be ready and done."""

from __future__ import annotations

import contextlib
import json
import os
import sys
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

from bench import bridge, mqttwarn
from bench.environment import PEER
from bench.names import END_TEXT, READY_TOPIC, RESULT_TOPIC
from bench.stage import Unfinished, wait_until
from bench.workloads import ALERT_EVERY

if TYPE_CHECKING:
    from pathlib import Path

    from bench.stage import Stage
    from bench.workloads import Workload

RUN_TIMEOUT_S = 90.0
DRAIN_TIMEOUT_S = 60.0  # the bridge sends its backlog one by one, and reports every 5 s


class Program(ABC):
    """One of the programs. `ready` is the topic and payload that it publishes once subscribed."""

    name: str
    ready: tuple[str, bytes]

    @abstractmethod
    def command(self, stage: Stage, workload: Workload) -> list[str]:
        """Write the files that it needs and return how to start it."""

    @abstractmethod
    def finish(self, stage: Stage, workload: Workload) -> tuple[float, int]:
        """Wait for the end of a blast; return when it came, and how many messages never did."""

    def environment(self, _stage: Stage) -> dict[str, str]:
        """Return its environment."""
        return dict(os.environ)


class Bare(Program):
    """A paho subscriber that only counts."""

    name = "bare paho subscriber"
    ready = (READY_TOPIC, b"online")

    def command(self, stage: Stage, _workload: Workload) -> list[str]:
        return [sys.executable, "-m", "bench.bare", str(stage.port)]

    def finish(self, stage: Stage, workload: Workload) -> tuple[float, int]:
        result = _result(stage)
        return result["ended_at_s"], len(workload.messages) + 1 - int(result["count"])


class Raw(Program):
    """A subscriber that does not look at what it reads."""

    name = "broker alone"
    ready = (READY_TOPIC, b"online")

    def command(self, stage: Stage, _workload: Workload) -> list[str]:
        return [sys.executable, "-m", "bench.raw", str(stage.port)]

    def finish(self, stage: Stage, workload: Workload) -> tuple[float, int]:
        result = _result(stage)
        size = len(workload.packets)
        return result["ended_at_s"], (size - int(result["bytes"])) * len(workload.messages) // size


class Bridge(Program):
    """kilopush-bridge as users install it, with its defaults and durable commits."""

    name = "kilopush-bridge"
    ready = ("kilopush/status", b"online")

    def __init__(self, programs: Path) -> None:
        self._program = programs / "kilopush-bridge"

    def command(self, stage: Stage, workload: Workload) -> list[str]:
        config = stage.write("config.yaml", bridge.configuration(workload, stage.port))
        return [str(self._program), "run", "-c", str(config)]

    def status(self, stage: Stage) -> list[str]:
        """Return how to ask for its status."""
        return [str(self._program), "status", "-c", str(stage.folder / "config.yaml")]

    @staticmethod
    def report(stage: Stage) -> dict[str, int]:
        """Return the figures that it published last."""
        payload = stage.watch.payload("kilopush/bridge")
        report: dict[str, int] = json.loads(payload or b'{"received": 0, "pending": 0}')
        return report

    def environment(self, stage: Stage) -> dict[str, str]:
        return {**os.environ, "KILOPUSH_API_URL": stage.sink.url, "NO_COLOR": "1"}

    def finish(self, stage: Stage, workload: Workload) -> tuple[float, int]:
        ended_at_s = _end_of_alerts(stage)
        total = len(workload.messages) + 1
        with contextlib.suppress(Unfinished):
            wait_until(lambda: self._is_done(stage, total), DRAIN_TIMEOUT_S, "sending all alerts")
        return ended_at_s, total - self.report(stage)["received"]

    def _is_done(self, stage: Stage, total: int) -> bool:
        report = self.report(stage)
        return report["received"] >= total and report["pending"] == 0


class Mqttwarn(Program):
    """mqttwarn with the same topics, the same conditions and the same HTTP server."""

    name = "mqttwarn"
    ready = ("clients/mqttwarn", b"1")

    def command(self, stage: Stage, workload: Workload) -> list[str]:
        url = stage.sink.url
        stage.write("filters.py", mqttwarn.filters(workload))
        stage.write("mqttwarn.ini", mqttwarn.configuration(workload, stage.port, url))
        return [str(PEER.programs / "mqttwarn")]

    def environment(self, stage: Stage) -> dict[str, str]:
        return {**os.environ, "MQTTWARNINI": str(stage.folder / "mqttwarn.ini")}

    def finish(self, stage: Stage, workload: Workload) -> tuple[float, int]:
        # It counts nothing. Its alerts leave in order, so all but the last are here by now, and
        # every missing one stands for what it did not see.
        ended_at_s = _end_of_alerts(stage)
        return ended_at_s, (workload.alerts + 1 - len(stage.sink.arrivals)) * ALERT_EVERY


def _end_of_alerts(stage: Stage) -> float:
    return wait_until(lambda: stage.sink.time_of(END_TEXT), RUN_TIMEOUT_S, "the last alert")


def _result(stage: Stage) -> dict[str, float]:
    payload = wait_until(lambda: stage.watch.payload(RESULT_TOPIC), RUN_TIMEOUT_S, "the end")
    result: dict[str, float] = json.loads(payload)
    return result
