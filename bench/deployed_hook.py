"""Webhooks through the deployed API of a local AWS, one after the other."""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

from infra.local.aws import DeployParameters, deploy, local_aws
from infra.local.customer import make_customer
from simulator.hooks import post

_WARM = 10
"""requests before the first that counts"""


def measure(webhook: Callable[[int, str], dict[str, Any]], count: int) -> tuple[float, float]:
    """Return p50 in ms of a webhook's answer, and of one that is refused."""
    with ExitStack() as parts:
        folder = Path(parts.enter_context(tempfile.TemporaryDirectory()))
        aws = parts.enter_context(local_aws(folder / "aws"))
        stack = deploy(aws, DeployParameters(sink_url="ws://127.0.0.1:9"))
        customer = make_customer(stack, aws.tools.python)
        customer.post("/v1/profiles", {"name": "bench", "dialect": "bandwidth", "record_call": {}})
        hook_url = customer.get("/v1/profiles/bench/instructions")["hook_url"]

        def tell(url: str, right: int, number: int) -> None:
            state = ("mediaStreamStarted", "mediaStreamStopped")[number % 2]
            status = post(url, webhook(number // 2, state))
            if status != right:
                raise SystemExit(f"the hook answered {status}")

        refused_ms = _p50_ms(partial(tell, f"{hook_url}x", 401), count // 2)
        return _p50_ms(partial(tell, hook_url, 204), count), refused_ms


def _p50_ms(act: Callable[[int], object], count: int) -> float:
    times = [_took_ms(partial(act, number)) for number in range(count + _WARM)]
    return statistics.median(times[_WARM:])


def _took_ms(act: Callable[[], object]) -> float:
    began = time.perf_counter()
    act()
    return 1000 * (time.perf_counter() - began)
