"""docs/reference/tap.md: what it lists is what there is."""

from __future__ import annotations

import asyncio
import json
import re
from pathlib import Path
from typing import Any

from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection, serve

from chalicelib.sink.runtime.limits import Limits
from chalicelib.tapping.model import TapQuality
from chalicelib.tapping.options import parse_tap, to_json
from infra.local.ports import HOST

ROOT = Path(__file__).parents[1]
DOCUMENT = (ROOT / "docs" / "reference" / "tap.md").read_text()
API: dict[str, Any] = json.loads((ROOT / "chalicelib" / "api" / "openapi.json").read_text())


def rows(head: str) -> dict[str, list[str]]:
    """Return a table's rows by their first word."""
    table = DOCUMENT.split(f"| {head} |", 1)[1].split("\n\n")[0].splitlines()[2:]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in table]
    return {name: row for row in cells for name in re.findall(r"`(\w+)`", row[0])}


def test_every_property_has_its_default_and_an_example_that_is_read() -> None:
    """Key for key those of the API."""

    listed = rows("property")
    schema = API["components"]["schemas"]["TapCall"]["properties"]
    assert schema.keys() == listed.keys()
    examples: dict[str, Any] = {name: row[2].strip("`") for name, row in listed.items()}
    control_id, options = parse_tap(examples | {"rtp_ptime": int(examples["rtp_ptime"])})
    assert examples["control_id"] == control_id
    assert examples["uri"] == options.uri
    defaults = to_json(parse_tap({"uri": examples["uri"]})[1])
    for name in ("direction", "codec", "rtp_ptime"):
        assert f"`{defaults[name]}`" == listed[name][1]


def test_every_variable_is_listed() -> None:
    """With those of RTP."""

    assert API["components"]["schemas"]["TapResult"]["properties"].keys() == rows("variable").keys()


def test_every_figure_of_quality_is_listed() -> None:
    """A tap's counts."""

    assert set(TapQuality.__slots__) == rows("`quality`").keys()


def test_the_numbers_are_those_of_the_limits() -> None:
    """Seconds and tries."""

    limits = Limits()
    assert (16, 5, 10.0, 10.0, 5.0) == (
        limits.taps_per_call,
        limits.tap_retries,
        limits.tap_stable_s,
        limits.tap_refused_s,
        limits.tap_queue_s + 1,
    )


def test_the_transcriber_s_example_passes_audio_on() -> None:
    """Each message with the speaker whose tap it is; the end of the tap ends it."""

    heard = asyncio.run(_transcribed([b"\xff" * 160, b"\x7f" * 160]))

    assert [("speak", b"\xff" * 160), ("speak", b"\x7f" * 160)] == heard


async def _transcribed(frames: list[bytes]) -> list[tuple[str, bytes]]:
    text = (ROOT / "docs" / "how-to" / "stream-to-a-transcriber.md").read_text()
    names: dict[str, Any] = {}
    exec(re.findall(r"```python\n(.*?)```", text, re.DOTALL)[0], names)
    heard: list[tuple[str, bytes]] = []
    ended = asyncio.Event()

    async def transcribe(speaker: str, frame: bytes) -> None:
        heard.append((speaker, frame))

    async def take(connection: ServerConnection) -> None:
        await names["receive"](connection, transcribe)
        ended.set()

    async with serve(take, HOST, 0) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        async with connect(f"ws://{HOST}:{port}/speak") as tap:
            for frame in frames:
                await tap.send(frame)
        await asyncio.wait_for(ended.wait(), 5)
    return heard
