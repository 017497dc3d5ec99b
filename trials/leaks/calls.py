"""Three calls that are full of seeds, one of each dialect and one by RTP."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

from chalicelib.capture.events import Encoding, Track
from infra.local.ports import HOST, choose_port
from simulator.player import Played, play
from simulator.schedule import Faults, Press, Rubbish
from simulator.socket import Setup
from tests.e2e.stage import Stage, Worker
from trials.leaks.seeds import (
    DIGITS,
    LABEL,
    NUMBER,
    PARAMETER,
    QUERY,
    SIP,
    TAG,
    Seeds,
    frames,
)

SECONDS = 4.0
IN, OUT = Track.INBOUND, Track.OUTBOUND
RUBBISH = (
    f'{{"eventType":"{NUMBER}"}}',
    f'{{"eventType":"media","track":"{SIP}","payload":"AAAA"}}',
    f'{{"eventType":"media","track":"inbound","payload":"%{NUMBER}"}}',
    f'{{"eventType":"start","metadata":{{"callId":["{NUMBER}"]}}}}',
    f"{NUMBER} {SIP}",
    f"{NUMBER}".encode(),
    "[" * 500 + NUMBER,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Arranged:
    """A profile as its customer sees it."""

    profile: str
    stream_url: str
    hook_url: str

    @property
    def token(self) -> str:
        """Return the token of its hook."""
        return self.hook_url.rsplit("/", 1)[1]


def arrange(stage: Stage, seeds: Seeds, dialect: str, **more: object) -> Arranged:
    """Make a profile with seeds in it; its tokens are seeds from then on."""
    name = f"leaks-{dialect}" + "".join(f"-{key}" for key in sorted(more)).replace("_", "-")
    body: dict[str, Any] = {
        "dialect": dialect,
        "record_call": {"terminators": "*"},
        "status_url": f"{stage.receiver.url}?key={QUERY}",
        "labels": {"customer": LABEL, "number": NUMBER},
        **more,
    }
    told = stage.make_profile(name, **body)
    arranged = Arranged(
        profile=told["profile"], stream_url=told["stream_url"], hook_url=told["hook_url"]
    )
    seeds.add("token", arranged.token)
    return arranged


def made(stage: Stage, worker: Worker, seeds: Seeds, bandwidth: Arranged) -> list[Played]:
    """Return the calls, ready to be played: of a profile for Bandwidth, of one for taps, by RTP."""
    tap = arrange(stage, seeds, "signalwire-tap")
    ids = [stage.fresh(name) for name in ("leaks-bandwidth", "leaks-tap", "leaks-rtp")]
    path = f"/v1/calls/{ids[2]}/rtp_endpoint?profile={tap.profile}"
    uri = stage.customer.post(path, {})["uri"]
    faults = Faults(rubbish=tuple(Rubbish(at_s=at, messages=RUBBISH) for at in (0.5, 1.5, 2.5)))
    presses = tuple(Press(at_s=1 + at * 0.2, digit=digit) for at, digit in enumerate(DIGITS[:6]))
    return [
        _played(seeds, "bandwidth", ids[0], worker.at(bandwidth.stream_url), bandwidth, faults, ()),
        _played(seeds, "signalwire-tap", ids[1], worker.at(tap.stream_url), tap, Faults(), ()),
        _played(seeds, "rtp", ids[2], uri, tap, Faults(), presses),
    ]


def _played(
    seeds: Seeds,
    dialect: str,
    call_id: str,
    url: str,
    arranged: Arranged,
    faults: Faults,
    presses: tuple[Press, ...],
) -> Played:
    tracks = (IN,) if dialect == "rtp" else (IN, OUT)
    said = {track: frames(f"{call_id} {track}", SECONDS) for track in tracks}
    for track in tracks:
        seeds.add_payload(said[track])
    setup = Setup(
        stream_url=url,
        call_id=call_id,
        tracks=tracks,
        encoding=Encoding.PCMU,
        tag=TAG,
        stream_params={"caller": NUMBER, "sip": SIP, "note": PARAMETER},
    )
    return Played(
        dialect=dialect,
        setup=setup,
        sources=said,
        hook_url=arranged.hook_url,
        faults=faults,
        presses=presses,
    )


async def play_all(calls: list[Played], meanwhile: Any) -> None:
    """Play the calls at once, and do something else in a thread from their second second on."""
    playing = [asyncio.create_task(play(call)) for call in calls]
    await asyncio.sleep(1.0)
    await asyncio.to_thread(meanwhile)
    await asyncio.gather(*playing)


def closed_port() -> int:
    """Return a port of this host at which nobody listens."""
    return choose_port("")


def tap_uri(scheme: str = "ws") -> str:
    """Return a destination that doesn't answer, with a secret in its query."""
    return f"{scheme}://{HOST}:{closed_port()}/{SIP}?key={QUERY}"
