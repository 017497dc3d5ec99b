"""The calls of `make run`: how each comes, how it is recorded, what is done to it meanwhile."""

from __future__ import annotations

from dataclasses import dataclass

SECONDS = 12
"""of each call"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cue:
    """A command to a call, at a second of it."""

    second: int
    command: str
    """`pause` or `resume`"""
    body: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """How a recording ends before its call."""

    second: int
    reason: str
    digit: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One call of the rehearsal, and the profile that it is recorded by."""

    title: str
    profile: str
    """its name; the files of the call have it too"""
    dialect: str
    record_call: dict[str, object]
    plays: str
    """the simulator's dialect"""
    options: tuple[str, ...] = ()
    """of the simulator"""
    cues: tuple[Cue, ...] = ()
    ending: Ending | None = None
    states: tuple[str, ...] = ("recording", "finished")
    """of its callbacks"""

    @property
    def remark(self) -> str:
        """Return what is done to it, as the end of a sentence."""
        done = [f"{cue.command}d" for cue in self.cues]
        if self.ending is not None:
            done.append(f"ended by {self.ending.digit}")
        return f" ({', '.join(done)})" if done else ""

    @property
    def by_rtp(self) -> bool:
        """Whether it streams to a port that is asked for, not to a URL of the profile."""
        return self.plays == "rtp"


PARTS = (
    Part(
        title="SignalWire tap",
        profile="signalwire-tap",
        dialect="signalwire-tap",
        record_call={"format": "wav", "direction": "speak"},
        plays="signalwire-tap",
        options=("--directions", "speak"),
    ),
    Part(
        title="Bandwidth stream",
        profile="bandwidth",
        dialect="bandwidth",
        record_call={"format": "wav", "direction": "both", "stereo": True},
        plays="bandwidth",
    ),
    Part(
        title="RTP tap",
        profile="rtp",
        dialect="signalwire-tap",
        record_call={"format": "wav", "direction": "speak", "terminators": "#"},
        plays="rtp",
        options=("--press", "10:#"),
        cues=(
            Cue(second=4, command="pause", body=(("behavior", "silence"),)),
            Cue(second=7, command="resume"),
        ),
        ending=Ending(second=10, reason="digit", digit="#"),
        states=("recording", "paused", "recording", "finished"),
    ),
)
