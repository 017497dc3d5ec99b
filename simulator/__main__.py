"""`python -m simulator`: plays a call to a Tapedeck as its carrier would, and says what it sent."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from chalicelib.capture.events import Encoding, Track
from simulator import report, sources
from simulator.audio_file import UnfitFile
from simulator.carriers.registry import DIALECTS
from simulator.player import Played, play, silent
from simulator.rtp_packets import DIGITS
from simulator.schedule import Faults, Loss, Press, Stall
from simulator.socket import Numbering, Setup
from simulator.speech import RATE_HZ

DEFAULT_SECONDS = 15.0


def main(arguments: Sequence[str] | None = None) -> int:
    """Return 0 where the call was taken whole, 1 where it wasn't, 2 where it couldn't be played."""
    options = _options(arguments)
    try:
        played = _played(options)
    except UnfitFile as error:
        print(f"simulator: {error}", file=sys.stderr)
        return 2
    tracks = ", ".join(played.setup.tracks)
    print(f"call {played.setup.call_id}: {options.dialect}, {tracks}", flush=True)
    try:
        told = asyncio.run(play(played))
    except KeyboardInterrupt:
        return 130
    if options.report:
        report.write(told, options.report)
    for ended in told.sockets:
        if ended.by != "carrier":
            print(f"simulator: socket {ended.by} {ended.code} {ended.reason}", file=sys.stderr)
    for hook in told.hooks:
        print(f"call {told.call_id}: {hook.event} answered {hook.status}")
    for track, sent in told.tracks.items():
        print(f"call {told.call_id}: {track} {len(sent.payload) / RATE_HZ:.2f} s sent")
    return 0 if told.was_taken else 1


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = _parser()
    options = parser.parse_args(arguments)
    known = DIALECTS[options.dialect].directions
    options.directions = options.directions or next(iter(known))
    if options.directions not in known:
        parser.error(f"--directions: {options.dialect} has " + ", ".join(known))
    return options


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="simulator", description=__doc__)
    add = parser.add_argument
    add("--dialect", required=True, choices=tuple(DIALECTS))
    add("--stream-url", required=True, help="as the profile's instructions show it")
    add("--hook-url", default="", help="where status webhooks go; none: no webhooks")
    add("--call-id", default="", help="made if absent")
    add("--seconds", type=_positive, help=f"default: the files' length, or {DEFAULT_SECONDS:g}")
    add("--speed", type=_positive, default=1.0, help="1 = real time, N times faster")
    add(
        "--wav",
        type=Path,
        nargs="+",
        default=[],
        metavar="FILE",
        help="inbound [outbound]: WAV, or what ffmpeg reads; 10 minutes at most",
    )
    add(
        "--directions",
        default="",
        help="default: all sides apart, where the dialect can",
        choices=("speak,listen", "speak", "listen", "both"),
    )
    add("--encoding", type=Encoding, choices=[Encoding.PCMU, Encoding.PCMA], default=Encoding.PCMU)
    add("--numbering", type=Numbering, choices=list(Numbering), default=Numbering.STREAM)
    add("--tag", default="", help="the call's tag in webhooks")
    add("--param", action="append", default=[], metavar="NAME=VALUE", help="a <StreamParam>")
    add("--press", type=_press, action="append", default=[], metavar="AT:DIGIT", help="rtp only")
    add("--seed", type=int, default=1, help="of the generated speech")
    _add_faults(parser)
    add("--report", type=Path, metavar="FILE.json", help="what was sent; payload files lie beside")
    add("--progress", action="store_true", help="a line for each second")
    return parser


def _add_faults(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add(
        "--loss",
        type=_stretch,
        action="append",
        default=[],
        metavar="[TRACK:]FROM-TO",
        help="seconds that never arrive",
    )
    add(
        "--stall",
        type=_stretch,
        action="append",
        default=[],
        metavar="FROM-TO",
        help="seconds that arrive late, all at once",
    )


def _positive(text: str) -> float:
    number = float(text)
    if not 0 < number < 1e6:
        raise argparse.ArgumentTypeError(f"{text} is not above 0")
    return number


def _stretch(text: str) -> Loss:
    """Read `[TRACK:]FROM-TO`, in seconds of the call."""
    track, _, bounds = text.rpartition(":")
    from_s, _, to_s = bounds.partition("-")
    stretch = Loss(from_s=float(from_s), to_s=float(to_s), track=Track(track) if track else None)
    if stretch.from_s >= stretch.to_s:
        raise argparse.ArgumentTypeError(f"{text} is no stretch of time")
    return stretch


def _press(text: str) -> Press:
    """Read `AT:DIGIT`, the second of the call and what is pressed."""
    at_s, _, digit = text.partition(":")
    if len(digit) != 1 or digit not in DIGITS:
        raise argparse.ArgumentTypeError(f"{text} presses none of {DIGITS}")
    return Press(at_s=float(at_s), digit=digit)


def _faults(options: argparse.Namespace) -> Faults:
    return Faults(
        losses=tuple(options.loss),
        stalls=tuple(Stall(from_s=late.from_s, to_s=late.to_s) for late in options.stall),
    )


def _played(options: argparse.Namespace) -> Played:
    carrier = DIALECTS[options.dialect]
    tracks = carrier.directions[options.directions]
    setup = Setup(
        stream_url=options.stream_url,
        call_id=options.call_id or carrier.call_id(),
        tracks=tracks,
        encoding=options.encoding,
        numbering=options.numbering,
        tag=options.tag,
        stream_params=dict(param.partition("=")[::2] for param in options.param),
    )
    return Played(
        dialect=options.dialect,
        setup=setup,
        sources=_sources(options, tracks),
        hook_url=options.hook_url,
        speed=options.speed,
        faults=_faults(options),
        presses=tuple(options.press),
        on_second=_Progress(setup) if options.progress else silent,
    )


def _sources(
    options: argparse.Namespace, tracks: Sequence[Track]
) -> Mapping[Track, Iterator[bytes]]:
    if options.wav:
        return sources.of_files(tracks, options.encoding, options.wav, options.seconds)
    seconds = options.seconds or DEFAULT_SECONDS
    return sources.of_speech(tracks, options.encoding, seconds, options.seed)


class _Progress:
    """Prints a line for each second of the call's first track."""

    def __init__(self, setup: Setup) -> None:
        self._call_id = setup.call_id
        self._track = setup.tracks[0]

    def __call__(self, second: int, track: Track) -> None:
        if track is self._track:
            print(f"call {self._call_id}: {second} s live", flush=True)


if __name__ == "__main__":
    sys.exit(main())
