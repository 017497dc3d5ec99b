"""One run: three calls full of seeds, everything asked wrongly, and what the logs have of it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from infra.local.ports import choose_port
from infra.local.secret import webhook_secrets
from tests.e2e.stage import Stage, Worker
from trials.leaks import provocations, search
from trials.leaks.calls import Arranged, arrange, made, play_all
from trials.leaks.provocations import ask
from trials.leaks.seeds import Seeds, found, usual_seeds


@dataclass(frozen=True, slots=True, kw_only=True)
class Searched:
    """What was found, and in how much."""

    leaks: list[str]
    bytes_read: int
    lines: int
    seeds: int
    unsaid: list[str]
    """sentences that the logs should have had"""


def run(stage: Stage, folder: Path, bodies: Sequence[bytes] = provocations.BAD_BODIES) -> Searched:
    """Play, provoke, collect, search."""
    seeds = usual_seeds()
    seeds.add("API key", stage.customer.key, stage.customer.key.rsplit("_", 1)[1])
    seeds.add("webhook secret", *webhook_secrets(stage.aws, stage.stack))
    with stage.worker("leaks", choose_port(""), {}) as worker:
        arranged = arrange(stage, seeds, "bandwidth")
        calls = made(stage, worker, seeds, arranged)
        ids = [call.setup.call_id for call in calls]

        def meanwhile() -> None:
            provocations.command(stage, ids[0])
            provocations.misuse_sink(worker, arranged, calls[2].setup.stream_url)

        asyncio.run(play_all(calls, meanwhile))
        provocations.misuse_hooks(stage, seeds, bodies)
        provocations.misuse_api(stage, ids[0], bodies)
        provocations.crash_functions(stage)
        _read_and_delete(stage, seeds, ids, arranged)
        stage.sweep()
        return _searched(stage, worker, folder, seeds)


def _read_and_delete(
    stage: Stage, seeds: Seeds, call_ids: Sequence[str], arranged: Arranged
) -> None:
    """Open what was recorded in every way, then delete it."""
    key = {"Authorization": f"Bearer {stage.customer.key}"}
    for call_id in call_ids:
        recording = stage.await_ended(call_id, within_s=90)
        link = recording["url"]
        for path in ("", "/download", "/proof", "/events"):
            ask(link.removesuffix("/download") + path, None, key)
        stage.customer.ask("POST", f"/v1/recordings/{recording['recording_id']}/redeliver", b"{}")
    stage.customer.ask("DELETE", f"/v1/recordings/{recording['recording_id']}")
    path = f"/v1/calls/{stage.fresh('leaks-later')}/record_call?profile={arranged.profile}"
    answer = stage.customer.post(path, {})
    seeds.add("token", answer["record_call_url"].rsplit("/", 1)[1])
    ask(answer["record_call_url"])


def _searched(stage: Stage, worker: Worker, folder: Path, seeds: Seeds) -> Searched:
    logs = search.logs(stage, worker, folder)
    kept = {**logs, "an execution's history": search.executions(stage)}
    said = logs["a function's log"].decode(errors="replace")
    return Searched(
        leaks=[*found(kept, seeds), *search.matches(kept)],
        bytes_read=sum(map(len, kept.values())),
        lines=sum(text.count(b"\n") for text in logs.values()),
        seeds=sum(map(len, seeds.needles.values())),
        unsaid=[sentence for sentence in search.SPEAKS if sentence not in said],
    )
