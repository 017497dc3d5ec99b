"""The simulated calls, all at once and in real time, and what is done to them through the API."""

from __future__ import annotations

import json
import re
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

from infra.local.aws import DeployedStack
from infra.local.customer import Customer, find_recording
from infra.local.failures import RunFailed
from infra.local.parts import PARTS, SECONDS, Cue, Part
from infra.local.processes import last_line, running

_LIVE = re.compile(r": (\d+) s live$", re.MULTILINE)
_SUCCESS = 2
"""hundreds of an HTTP status"""
_HEARD = 201
"""the answer when a port is heard"""

_LOOK_EVERY_S, _LOOKS = 0.2, 25
_SLACK_S = 60
"""what a call may take beyond its own length"""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlayedCall:
    """A call that was played."""

    part: Part
    call_id: str
    payload_files: tuple[Path, ...]
    """what was sent, by channel"""
    refused_hooks: tuple[str, ...]
    """sentences: carriers would send these again, the simulator doesn't"""


def create_profiles(customer: Customer, status_url: str) -> dict[str, dict[str, Any]]:
    """Make a profile for each part; return their instructions by its name."""
    instructions = {}
    for part in PARTS:
        body = {
            "name": part.profile,
            "dialect": part.dialect,
            "record_call": part.record_call,
            "status_url": status_url,
        }
        customer.post("/v1/profiles", body)
        instructions[part.profile] = customer.get(f"/v1/profiles/{part.profile}/instructions")
    return instructions


def play_calls(
    stack: DeployedStack,
    customer: Customer,
    python: str,
    folder: Path,
    instructions: dict[str, dict[str, Any]],
    on_progress: Callable[[str], None],
) -> list[PlayedCall]:
    """Play all parts at once. Raises RunFailed where one wasn't taken whole."""
    with ExitStack() as calls:
        players = []
        for part in PARTS:
            call_id, log = str(uuid4()), folder / f"{part.profile}.log"
            stream_url = _stream_url(part, call_id, customer, instructions[part.profile])
            command = _command(part, call_id, python, folder, stream_url)
            command += ["--hook-url", instructions[part.profile]["hook_url"]]
            process = calls.enter_context(
                running(part.title, command, log=log, environment=stack.environment)
            )
            players.append(_Player(part=part, call_id=call_id, process=process, log=log))
        for line in _progress(players, customer):
            on_progress(line)
        return [_played(player, folder) for player in players]


def _stream_url(part: Part, call_id: str, customer: Customer, instructions: dict[str, Any]) -> str:
    """Return where a call streams to; an RTP tap asks for a port of its own."""
    if not part.by_rtp:
        return str(instructions["stream_url"])
    path = f"/v1/calls/{call_id}/rtp_endpoint?profile={part.profile}"
    for _ in range(5):
        status, body = customer.ask("POST", path, json.dumps({"direction": "speak"}).encode())
        if status == _HEARD:
            return str(body["uri"])
    raise RunFailed(f"No port could be had for the {part.title}: {status} {body}.")


def _command(part: Part, call_id: str, python: str, folder: Path, stream_url: str) -> list[str]:
    return [
        *(python, "-u", "-m", "simulator", "--progress"),
        *("--dialect", part.plays),
        *("--call-id", call_id),
        *("--stream-url", stream_url),
        *("--seconds", str(SECONDS)),
        *("--report", str(_report(part, folder))),
        *part.options,
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Player:
    """A simulator that plays a part."""

    part: Part
    call_id: str
    process: subprocess.Popen[bytes]
    log: Path


def _progress(players: Sequence[_Player], customer: Customer) -> Iterator[str]:
    """Yield how far the calls are whenever that changes, and what is done to them, until all have
    ended."""
    deadline = time.monotonic() + SECONDS + _SLACK_S
    said, said_at = "", 0.0
    cues = [(player, cue) for player in players for cue in player.part.cues]
    while any(player.process.poll() is None for player in players):
        if time.monotonic() > deadline:
            raise RunFailed(f"The calls didn't end within {SECONDS + _SLACK_S} s.")
        for player, cue in [one for one in cues if int(_live_seconds(one[0].log)) >= one[1].second]:
            cues.remove((player, cue))
            yield _act(player, cue, customer)
        line = "   ".join(f"{one.part.title} {_live_seconds(one.log):>2} s" for one in players)
        if line != said and time.monotonic() - said_at >= 1:
            yield line
            said, said_at = line, time.monotonic()
        time.sleep(_LOOK_EVERY_S)


def _act(player: _Player, cue: Cue, customer: Customer) -> str:
    """Command a call; return what was answered."""
    recording = _recording(player, customer)
    control_id = recording["control_id"]
    path = f"/v1/calls/{player.call_id}/record_call/{control_id}/{cue.command}"
    answer = customer.post(path, dict(cue.body))
    return f"{player.part.title}: {cue.command} answered, it is {answer['state']}"


def _recording(player: _Player, customer: Customer) -> dict[str, Any]:
    for _ in range(_LOOKS):
        recording = find_recording(customer, player.call_id)
        if recording is not None:
            return recording
        time.sleep(_LOOK_EVERY_S)
    raise RunFailed(f"The {player.part.title} streams, and has no recording (see {player.log}).")


def _live_seconds(log: Path) -> str:
    told = _LIVE.findall(log.read_text(errors="replace"))
    return told[-1] if told else "0"


def _played(player: _Player, folder: Path) -> PlayedCall:
    """Read what was sent. Raises RunFailed where the sink didn't take it to its end."""
    part, log = player.part, player.log
    report = _report(part, folder)
    if not report.exists():
        raise RunFailed(f"The {part.title} was not played: {last_line(log)} (see {log}).")
    told = json.loads(report.read_text())
    for socket in told["sockets"]:
        if socket["by"] != "carrier":
            how = f"{socket['by']} with {socket['code']} {socket['reason']}".rstrip()
            raise RunFailed(f"The {part.title}'s socket was ended: {how} (see {log}).")
    # Channel 0 is the inbound track, channel 1 the outbound one.
    files = [told["tracks"][track]["payload_file"] for track in sorted(told["tracks"])]
    return PlayedCall(
        part=part,
        call_id=told["call_id"],
        payload_files=tuple(Path(file) for file in files),
        refused_hooks=tuple(
            f"{hook['event']} was answered {hook['status']}"
            for hook in told["hooks"]
            if hook["status"] // 100 != _SUCCESS
        ),
    )


def _report(part: Part, folder: Path) -> Path:
    return folder / f"{part.profile}.json"
