"""MiniStack with two repairs, for `python -m infra.local.ministack` in its environment.

When a process dies in which a function runs, Lambda loses that one execution environment. MiniStack
ends all of the function's, with whatever runs in them, and each of those ends all again: under load
no further invocation comes through. And for a burst it starts as many processes as there are
invocations, each of which takes a core for seconds, where the first that is free could do it all.
"""

from __future__ import annotations

import importlib
import os
import threading
import time
from typing import Any

_LOOK_S = 0.02


class Repaired:
    """The parts of MiniStack that these replace; a thread runs one invocation at a time."""

    def __init__(self, runtime: Any, service: Any) -> None:
        self._runtime = runtime
        self._acquire = service.acquire_worker
        self._execute = service._execute_function_warm
        self._invalidate = service.invalidate_worker
        self._spawn = runtime.Worker._spawn
        self._starts = threading.BoundedSemaphore(max(2, os.cpu_count() or 2))
        self._mine = threading.local()
        """`worker`: of this thread's invocation; `starts`: its process isn't up yet"""

    def acquire(self, name: str, config: Any, code: Any, qualifier: str) -> Any:
        """Lease a free environment, or one to be started as soon as a core is free for that."""
        while not self._has_free(name, config, qualifier):
            if self._starts.acquire(blocking=False):
                self._mine.starts = True
                break
            time.sleep(_LOOK_S)
        self._mine.worker, reason = self._acquire(name, config, code, qualifier=qualifier)
        return self._mine.worker, reason

    def execute(self, *invocation: Any) -> Any:
        """Run an invocation."""
        try:
            return self._execute(*invocation)
        finally:
            self._mine.worker = None
            self._is_up()

    def spawn(self, worker: Any) -> None:
        """Start an environment's process."""
        try:
            self._spawn(worker)
        finally:
            self._is_up()

    def invalidate(self, *whose: Any, **named: Any) -> None:
        """End the environment that failed; all of them where the function itself changed."""
        worker = getattr(self._mine, "worker", None)
        if worker is None:
            self._invalidate(*whose, **named)
            return
        with self._runtime._lock:
            for pool in self._runtime._workers.values():
                if worker in pool:
                    pool.remove(worker)
        self._runtime.kill_workers([worker])

    def _has_free(self, name: str, config: Any, qualifier: str) -> bool:
        runtime = self._runtime
        with runtime._lock:
            pool = runtime._workers.get(runtime._worker_key(name, config, qualifier), ())
            return any(not worker.in_use for worker in pool)

    def _is_up(self) -> None:
        if getattr(self._mine, "starts", False):
            self._mine.starts = False
            self._starts.release()


def mend() -> None:
    """Let a death end one environment; start no more at once than there are cores."""
    runtime: Any = importlib.import_module("ministack.core.lambda_runtime")
    service: Any = importlib.import_module("ministack.services.lambda_svc")
    repaired = Repaired(runtime, service)

    def spawn(worker: Any) -> None:  # a plain function: it becomes a method of the class
        repaired.spawn(worker)

    service.acquire_worker = repaired.acquire
    service._execute_function_warm = repaired.execute
    service.invalidate_worker = repaired.invalidate
    runtime.Worker._spawn = spawn


if __name__ == "__main__":
    mend()
    importlib.import_module("ministack.app").main()
