"""What a simulated RTP tap sends, as the parsers that read real ones hear it."""

from __future__ import annotations

import asyncio
import json
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Any

import pytest

from chalicelib.capture.events import Encoding, Track
from chalicelib.carriers import registry
from chalicelib.carriers.contract.webhook import StreamAnnounced
from chalicelib.media import rtp
from chalicelib.media.digits import DigitBegun
from chalicelib.media.rtp import RtpPacket
from chalicelib.media.telephone_event import TelephoneEvents, parse_telephone_event
from simulator import sources
from simulator.__main__ import main
from simulator.carriers.signalwire.rtp_tap import RtpSocket
from simulator.player import Played, play
from simulator.report import Report
from simulator.rtp_packets import DIGITS, Source
from simulator.schedule import Faults, Loss, Press, Rubbish
from simulator.socket import Setup


class Ears(asyncio.DatagramProtocol):
    """Keeps what comes."""

    def __init__(self) -> None:
        self.datagrams: list[bytes] = []

    def datagram_received(self, data: bytes, addr: Any) -> None:
        self.datagrams.append(data)


def setup(url: str, **changes: Any) -> Setup:
    fields = {"call_id": "call-1", "tracks": (Track.INBOUND,), "encoding": Encoding.PCMU}
    return Setup(stream_url=url, **{**fields, **changes})


def played(**changes: Any) -> tuple[list[bytes], Report]:
    """Play half a second ten times as fast; return what came."""

    async def run() -> tuple[list[bytes], Report]:
        loop = asyncio.get_running_loop()
        transport, ears = await loop.create_datagram_endpoint(Ears, local_addr=("127.0.0.1", 0))
        port = transport.get_extra_info("sockname")[1]
        call = Played(
            dialect="rtp",
            setup=setup(f"rtp://127.0.0.1:{port}"),
            sources=sources.of_speech((Track.INBOUND,), Encoding.PCMU, 0.5, seed=1),
            speed=10.0,
            **changes,
        )
        report = await play(call)
        await asyncio.sleep(0.05)
        transport.close()
        return ears.datagrams, report

    return asyncio.run(run())


def media(packets: list[RtpPacket]) -> list[RtpPacket]:
    return [packet for packet in packets if packet.payload_type == rtp.PCMU]


def test_what_was_sent_arrives_in_packets() -> None:
    """20 ms each, numbered by ones, timed by samples, the first one marked."""

    datagrams, report = played()

    packets = [rtp.parse(datagram) for datagram in datagrams]
    sent = bytes(report.tracks[Track.INBOUND].payload)
    assert sent == b"".join(packet.payload for packet in packets)
    assert [True] + [False] * 24 == [packet.marker for packet in packets]
    first = packets[0]
    assert [(first.sequence + at) % 2**16 for at in range(25)] == [p.sequence for p in packets]
    assert [(first.timestamp + 160 * at) % 2**32 for at in range(25)] == [
        packet.timestamp for packet in packets
    ]
    assert (True, []) == (report.was_taken, report.hooks)


@pytest.mark.parametrize("digit", DIGITS)
def test_a_press_is_told_beside_the_sound(digit: str) -> None:
    """One digit, where it begins, while its tone's time of sound goes on."""

    datagrams, _ = played(presses=(Press(at_s=0.2, digit=digit),))

    packets = [rtp.parse(datagram) for datagram in datagrams]
    events = TelephoneEvents(8000)
    heard = [
        event
        for packet in packets
        if packet.payload_type == 101
        for event in events.receive(parse_telephone_event(packet.payload), packet.timestamp)
    ]
    sound = media(packets)
    began = (sound[0].timestamp + 1600) % 2**32
    assert [(digit, began)] == [
        (event.digit, event.first_sample % 2**32)
        for event in heard
        if isinstance(event, DigitBegun)
    ]
    assert (25, 7) == (len(sound), len(packets) - len(sound))
    assert 32 == len({packet.sequence for packet in packets})


def test_what_is_lost_uses_its_numbers_up() -> None:
    """Samples that don't come leave their time, and rubbish comes as it is."""

    datagrams, _ = played(
        faults=Faults(
            losses=(Loss(from_s=0.1, to_s=0.2),),
            rubbish=(Rubbish(at_s=0.3, messages=("none", b"\x00")),),
        )
    )

    assert [b"none", b"\x00"] == [one for one in datagrams if len(one) < 12]
    packets = [rtp.parse(datagram) for datagram in datagrams if len(datagram) >= 12]
    steps = [(b.timestamp - a.timestamp) % 2**32 for a, b in pairwise(packets)]
    assert [160] * 4 + [960] + [160] * 14 == steps


def test_numbers_wrap() -> None:
    """A sequence and a timestamp that end begin again."""

    source = Source(Encoding.PCMA, Random(1))
    packets = [
        rtp.parse(source.sound(at * 2**30, b"x", is_marked=False)) for at in range(2**16 + 2)
    ]

    assert packets[0].sequence == packets[2**16].sequence
    assert packets[1].timestamp == packets[5].timestamp
    assert rtp.PCMA == packets[0].payload_type


def test_its_webhook_tells_address_and_port() -> None:
    """As SignalWire tells an RTP tap's device."""

    tap = RtpSocket(setup("rtp://192.0.2.7:4000", tag="t"), Track.MIXED)

    for event, state in ((tap.started(), "tapping"), (tap.stopped(1), "finished")):
        heard = registry.carrier("signalwire").webhooks.parse(json.dumps(event).encode())
        assert isinstance(heard, StreamAnnounced)
        assert heard.device is not None
        assert ("192.0.2.7", 4000, 20) == (
            heard.device.address,
            heard.device.port,
            heard.device.ptime_ms,
        )
        assert (state, "both") == (
            event["params"]["state"],
            event["params"]["tap"]["params"]["direction"],
        )


@pytest.mark.parametrize(
    ("option", "value"), [("--press", "1:x"), ("--press", "#"), ("--directions", "speak,listen")]
)
def test_what_rtp_can_t_do_is_told(
    option: str, value: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """One sentence that names the option, and exit code 2."""

    with pytest.raises(SystemExit) as ended:
        main(["--dialect", "rtp", "--stream-url", "rtp://127.0.0.1:9", option, value])

    assert 2 == ended.value.code
    assert option in capsys.readouterr().err.splitlines()[-1]


def test_the_command_plays_rtp(tmp_path: Path) -> None:
    """Without directions it is what the party says."""

    report = tmp_path / "call.json"
    told = ("--seconds", "0.2", "--speed", "10", "--press", "0.1:5", "--report", str(report))

    assert 0 == main(["--dialect", "rtp", "--stream-url", "rtp://127.0.0.1:9", *told])
    assert ["inbound"] == list(json.loads(report.read_text())["tracks"])
