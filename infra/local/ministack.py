"""MiniStack with two of its ways mended, for `python -m infra.local.ministack` in its environment.

When a process dies in which a function runs, Lambda loses that one execution environment. MiniStack
ends all of the function's, with whatever runs in them, and each of those ends all again: under load
no invocation comes through any more. And it starts as many at once as are asked for, each of which
takes a core for a second.
"""

from __future__ import annotations

import importlib
import os
import threading
from typing import Any

_leased = threading.local()
"""the environment in which this thread's invocation runs"""

_STARTS = threading.BoundedSemaphore(max(2, os.cpu_count() or 2))


def mend() -> None:
    """Let a death end one environment; start no more at once than there are cores."""
    runtime: Any = importlib.import_module("ministack.core.lambda_runtime")
    service: Any = importlib.import_module("ministack.services.lambda_svc")
    acquire, execute, invalidate = (
        service.acquire_worker,
        service._execute_function_warm,
        service.invalidate_worker,
    )
    spawn = runtime.Worker._spawn

    def acquire_one(*args: Any, **named: Any) -> Any:
        _leased.worker, reason = acquire(*args, **named)
        return _leased.worker, reason

    def execute_in_one(*args: Any, **named: Any) -> Any:
        try:
            return execute(*args, **named)
        finally:
            _leased.worker = None

    def invalidate_one(*args: Any, **named: Any) -> None:
        worker = getattr(_leased, "worker", None)
        if worker is None:
            invalidate(*args, **named)  # the function itself has changed
            return
        with runtime._lock:
            for pool in runtime._workers.values():
                if worker in pool:
                    pool.remove(worker)
        runtime.kill_workers([worker])

    def spawn_in_turn(worker: Any) -> None:
        with _STARTS:
            spawn(worker)

    service.acquire_worker = acquire_one
    service._execute_function_warm = execute_in_one
    service.invalidate_worker = invalidate_one
    runtime.Worker._spawn = spawn_in_turn


if __name__ == "__main__":
    mend()
    importlib.import_module("ministack.app").main()
