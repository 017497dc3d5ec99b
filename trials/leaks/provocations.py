"""What makes a log speak: refusals, faults and crashes of everything that can be asked, each with
seeds in it."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

import boto3

from infra.local.ports import HOST
from tests.e2e.stage import Stage, Worker
from tests.sink.raw import Raw
from trials.leaks.calls import Arranged, arrange, closed_port, tap_uri
from trials.leaks.seeds import (
    LABEL,
    MEDIA_QUERY,
    NUMBER,
    PASSWORD,
    QUERY,
    SIGNING_KEY,
    SIP,
    Seeds,
)

BAD_BODIES: tuple[bytes, ...] = (
    b"",
    b"{",
    b"\xff\xfe" + NUMBER.encode(),
    f'{{"{NUMBER}": 1}}'.encode(),
    f'{{"control_id": ["{NUMBER}"]}}'.encode(),
    f'{{"status_url": "https://{NUMBER}@x/?{QUERY}"}}'.encode(),
    f'{{"status_url": "ftp://x/?{QUERY}"}}'.encode(),
    f'{{"terminators": "{SIP}"}}'.encode(),
    f'{{"uri": "ws://169.254.170.2/?{QUERY}"}}'.encode(),
    f'{{"uri": "rtp://{NUMBER}:1"}}'.encode(),
    f'"{NUMBER}"'.encode(),
    b"[" * 3000 + NUMBER.encode(),
)
_PLACES = (NUMBER, SIP, f"..%2f{NUMBER}", "x" * 600 + NUMBER, "\u0001" + SIP)


def ask(
    url: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
) -> tuple[int, bytes]:
    """Return the status and body of a request; 0 where no answer came."""
    request = urllib.request.Request(url, data=body, headers=dict(headers or {}))
    try:
        with urllib.request.urlopen(request, timeout=35) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()
    except (OSError, ValueError):
        return 0, b""


def command(stage: Stage, call_id: str) -> None:
    """Use what a customer uses on a live call, rightly and wrongly."""
    base = f"/v1/calls/{call_id}"
    given = {"control_id": "leaks", "status_url": f"{stage.receiver.url}?key={QUERY}"}
    stage.customer.ask("POST", f"{base}/record_call", json.dumps(given).encode())
    stage.customer.ask("POST", f"{base}/record_call/leaks/pause", b"{}")
    stage.customer.ask("POST", f"{base}/record_call/leaks/resume", b"{}")
    stage.customer.ask("POST", f"{base}/tap", json.dumps({"uri": tap_uri()}).encode())
    stage.customer.ask("POST", f"{base}/tap", json.dumps({"uri": tap_uri("rtp")}).encode())
    stage.customer.ask("POST", f"{base}/stop_record_call", b'{"control_id": "leaks"}')


def misuse_api(stage: Stage, call_id: str, bodies: Sequence[bytes]) -> None:
    """Ask the API for what isn't, in bodies, paths, queries and headers."""
    api = stage.customer.api_url
    mine = {"Authorization": f"Bearer {stage.customer.key}", "Content-Type": "application/json"}
    for body in bodies:
        for path in ("record_call", "tap", "swml", "stop_tap"):
            ask(f"{api}/v1/calls/{call_id}/{path}", body, mine)
        ask(f"{api}/v1/profiles", body, mine)
    for place in _PLACES:
        part = quote(place, safe="")
        ask(f"{api}/v1/calls/{part}", None, mine)
        ask(f"{api}/v1/recordings/{part}/events", None, mine)
        ask(f"{api}/v1/recordings?label.number={part}&cursor={part}", None, mine)
        ask(f"{api}/v1/calls/{part}/record_call/{part}/pause", b"{}", mine)
        ask(f"{api}/v1/recordings/x/download/{part}", None)
    script = f"version: 1.0.0\nsections:\n  main:\n    - record_call: {{status_url: '{SIP}'}}\n"
    ask(f"{api}/v1/calls/x/swml", script.encode(), {**mine, "Content-Type": "application/yaml"})
    for key in (f"{stage.customer.key}0", stage.customer.key.upper(), PASSWORD, NUMBER):
        ask(f"{api}/v1/recordings", None, {"Authorization": f"Bearer {key}"})


def misuse_hooks(stage: Stage, seeds: Seeds, bodies: Sequence[bytes]) -> None:
    """Post webhooks that can't be read, have wrong tokens, users and signatures."""
    client = boto3.client("secretsmanager", **stage.aws.client_options)
    user = {"username": "seeded", "password": PASSWORD}
    secret = {"signing_key": SIGNING_KEY, "webhook_basic": user, "basic": user}
    secret_id = stage.fresh("tapedeck/main/leaks")
    client.create_secret(Name=secret_id, SecretString=json.dumps(secret))
    signed = arrange(stage, seeds, "signalwire-tap", secret_id=secret_id)
    basic = arrange(stage, seeds, "bandwidth", secret_id=secret_id)
    for body in bodies:
        ask(signed.hook_url, body)
        ask(f"{signed.hook_url[:-3]}{quote(SIP, safe='')}", body)
        ask(signed.hook_url, body, {"X-SignalWire-Signature": NUMBER})
        ask(basic.hook_url, body, {"Authorization": f"Basic {PASSWORD}"})
    for event in _events():
        ask(signed.hook_url, json.dumps(event).encode())
        ask(basic.hook_url, json.dumps(event).encode(), {"Authorization": "Bearer x"})
    _announce(stage, seeds)


def _events() -> list[dict[str, Any]]:
    """Return events that are half right."""
    params = {"call_id": "leaks-half", "from": NUMBER, "to": SIP, "state": NUMBER}
    return [
        {"event_type": NUMBER, "params": params},
        {"event_type": "calling.call.tap", "params": params},
        {"eventType": SIP, "callId": NUMBER, "from": NUMBER, "to": SIP},
        {"eventType": "mediaStreamStarted", "callId": "leaks-half", "from": NUMBER, "to": [SIP]},
    ]


def _announce(stage: Stage, seeds: Seeds) -> None:
    """Announce what the carrier recorded, at a place that doesn't answer; tell a dead receiver."""
    url = f"http://{HOST}:{closed_port()}/status?key={QUERY}"
    dead = arrange(stage, seeds, "bandwidth", status_url=url)
    event = {
        "eventType": "recordingAvailable",
        "eventTime": "2026-01-01T00:00:00Z",
        "accountId": "9",
        "applicationId": "a",
        "from": NUMBER,
        "to": SIP,
        "callId": stage.fresh("leaks-copied"),
        "recordingId": "r-leaks",
        "mediaUrl": f"http://{HOST}:{closed_port()}/media?key={MEDIA_QUERY}",
        "duration": "PT1S",
        "fileFormat": "wav",
        "status": "complete",
        "tag": LABEL,
    }
    ask(dead.hook_url, json.dumps(event).encode())


def misuse_sink(worker: Worker, of: Arranged, uri: str) -> None:
    """Knock at the sink's door with seeds in the path, and send a port what is no RTP."""
    asyncio.run(_knock(worker, of.token))
    host, _, port = uri.removeprefix("rtp://").partition(":")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        for packet in (
            NUMBER.encode(),
            struct.pack("!BBHII", 0x80, 96, 1, 1, 7) + SIP.encode(),
            struct.pack("!BBHII", 0xBF, 0, 1, 1, 7) + NUMBER.encode(),
        ):
            sender.sendto(packet, (host, int(port)))


async def _knock(worker: Worker, token: str) -> None:
    for path in (
        f"/bandwidth/{quote(NUMBER, safe='')}",
        f"/bandwidth/{token}x",
        f"/bandwidth/{token}/{quote(SIP, safe='')}",
        f"/signalwire-tap/{token}/{quote(SIP, safe='')}/{quote(NUMBER, safe='')}",
        f"/{quote(SIP, safe='')}",
    ):
        raw = await Raw.connect(worker.port)
        await raw.ask(path, extra=f"Authorization: Basic {PASSWORD}\r\n")
        raw.abort()


def crash_functions(stage: Stage) -> None:
    """Start the functions with what no workflow gives them: what they raise is logged by Lambda."""
    client = boto3.client("lambda", **stage.aws.client_options)
    names = [function["FunctionName"] for function in client.list_functions()["Functions"]]
    for name in names:
        if any(part in name.lower() for part in ("assemble", "publish", "attempt", "markerror")):
            for event in _wrong_events():
                client.invoke(FunctionName=name, Payload=json.dumps(event).encode())


def _wrong_events() -> list[dict[str, Any]]:
    return [
        {"recording_id": NUMBER, "attempt": 1, "webhook_id": SIP, "assembled": {"outcome": SIP}},
        {NUMBER: SIP},
    ]
