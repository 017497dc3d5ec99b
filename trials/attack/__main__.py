"""`make trial NAME=attack`: attack a sink that records a call.

Peers are slow, silent, flooding and lying. Exits with 1 if TRUST target 17 fails.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable, Sequence

from bench import trust
from trials.attack import floods, slow
from trials.attack.report import HEAD, Outcome, Report, Row
from trials.attack.target import LIMITS, Target, target
from trials.attack.witness import Witness, witness

Attack = Callable[[Target], Awaitable[Outcome]]

FLOODS: Sequence[Attack] = (
    floods.fragments,
    floods.empty_fragments,
    floods.unfinished,
    floods.oversize,
    floods.long_request,
    floods.bombs,
    floods.pings,
    floods.malformed,
    floods.reconnects,
    floods.wrong_tokens,
)
SLOW: Sequence[Attack] = (slow.slowloris, slow.slow_start, slow.idle, slow.crowd)


async def attack(
    on: Target, attacks: Sequence[Attack], meanwhile: Sequence[Attack]
) -> tuple[Report, Witness]:
    """Attack in turn, some of them all the while, as an honest call goes on."""
    report = Report()
    async with witness(on) as said:
        await asyncio.sleep(1)
        patient = [(one.__name__, asyncio.create_task(one(on))) for one in meanwhile]
        for name, running in [*((one.__name__, one(on)) for one in attacks), *patient]:
            row = await _measured(on, said, name.replace("_", " "), running)
            print(row, flush=True)
            report.rows.append(row)
    return report, said


async def _measured(on: Target, said: Witness, name: str, running: Awaitable[Outcome]) -> Row:
    on.forget_peak()
    said.answers_s.clear()
    before = on.memory_kib()
    outcome = await running
    await asyncio.sleep(0.5)
    return Row(
        name=name,
        outcome=outcome,
        before_kib=before,
        peak_kib=on.peak_kib(),
        after_kib=on.memory_kib(),
        slowest_ms=said.slowest_ms,
    )


async def lost(on: Target, said: Witness) -> list[str]:
    """Return what the honest call misses, after its last segment is stored."""
    async with asyncio.timeout(LIMITS.linger_s + 10):
        while on.messages_stored() < said.sent:
            await asyncio.sleep(0.2)
    stored = on.messages_stored()
    return [] if stored == said.sent else [f"the honest call: {said.sent} said, {stored} stored"]


async def run(
    attacks: Sequence[Attack], meanwhile: Sequence[Attack] = ()
) -> tuple[Report, list[str]]:
    """Attack and tell; return the rows and every broken promise."""
    print(HEAD)
    with target() as on:
        report, said = await attack(on, attacks, meanwhile)
        faults = report.faults + await lost(on, said)
    print(f"\nmost memory for one attack: {report.most_more_mib:.1f} MiB")
    print(f"the honest call said {said.sent} messages; broken promises: {len(faults)}")
    return report, faults


def main() -> int:
    """Run all attacks; return the exit code."""
    report, faults = asyncio.run(run((*FLOODS, *SLOW), meanwhile=(slow.silent,)))
    print("".join(f"NOT AS PROMISED: {fault}\n" for fault in faults), end="")
    if faults:
        return 1
    figure = (
        f"{len(report.rows)} attacks: {report.most_more_mib:.1f} MiB more memory at most; slow ones"
        f" cut at {LIMITS.handshake_within_s:.0f} s, who comes back to flood"
        " kept out, no 101 for a wrong token"
    )
    trust.note(17, "websocket abuse", "make trial NAME=attack", figure)
    return 0


if __name__ == "__main__":
    sys.exit(main())
