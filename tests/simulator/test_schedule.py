"""What a socket does when, faults and all."""

from __future__ import annotations

import math
from collections.abc import Sequence

from chalicelib.capture.events import Track
from simulator.schedule import (
    Action,
    Connect,
    Cut,
    Disconnect,
    Faults,
    Hole,
    Loss,
    Rubbish,
    Say,
    Send,
    Stall,
    Start,
    plan,
)

IN, OUT = Track.INBOUND, Track.OUTBOUND


def planned(faults: Faults, frames: int = 5, tracks: Sequence[Track] = (IN, OUT)) -> list[Action]:
    return list(plan({track: [b"\x00" * 160] * frames for track in tracks}, faults))


def sends(actions: list[Action], track: Track) -> list[Send]:
    return [action for action in actions if isinstance(action, Send) and action.track is track]


def positions(actions: list[Action], track: Track) -> list[int]:
    return [send.position // 160 for send in sends(actions, track)]


def test_without_faults_it_opens_starts_and_sends() -> None:
    """Every 20 ms one frame of each track, numbered in the stream and in the track."""

    actions = planned(Faults(), frames=2)

    assert [Connect(at_s=0.0), Start(at_s=0.0)] == actions[:2]
    numbers = [
        (a.at_s, a.track, a.position, a.number_in_stream, a.number_in_track)
        for a in actions
        if isinstance(a, Send)
    ]
    assert [
        (0.0, IN, 0, 1, 1),
        (0.0, OUT, 0, 2, 1),
        (0.02, IN, 160, 3, 2),
        (0.02, OUT, 160, 4, 2),
    ] == numbers


def test_a_hole_sends_nothing_and_skips_no_number() -> None:
    """On hold the carrier sends nothing: its numbers go on where they were."""

    actions = planned(Faults(holes=(Hole(from_s=0.02, to_s=0.06, track=IN),)))

    assert [0, 3, 4] == positions(actions, IN)
    assert [1, 2, 3] == [send.number_in_track for send in sends(actions, IN)]
    assert [0, 1, 2, 3, 4] == positions(actions, OUT)


def test_a_loss_uses_up_its_numbers() -> None:
    """What was sent and lost leaves a gap in the numbers of stream and track."""

    actions = planned(Faults(losses=(Loss(from_s=0.02, to_s=0.06, track=IN),)))

    assert [1, 4, 5] == [send.number_in_track for send in sends(actions, IN)]
    assert [1, 7, 9] == [send.number_in_stream for send in sends(actions, IN)]


def test_a_late_track_and_an_absent_one_are_holes() -> None:
    """A track that comes later, or never, keeps its place on the call's clock."""

    late = planned(Faults(holes=(Hole(to_s=0.04, track=OUT),)))
    absent = planned(Faults(holes=(Hole(track=OUT),)))

    assert [2, 3, 4] == positions(late, OUT)
    assert [] == positions(absent, OUT)


def test_a_stall_delivers_all_at_its_end() -> None:
    """Nothing is missing after a stall; it only comes late, in order."""

    actions = planned(Faults(stalls=(Stall(from_s=0.02, to_s=0.07),)))

    assert [0, 1, 2, 3, 4] == positions(actions, IN)
    assert [0.0, 0.07, 0.07, 0.07, 0.08] == [send.at_s for send in sends(actions, IN)]


def test_a_cut_drops_the_socket_and_opens_another() -> None:
    """What is said between is lost; the other socket starts anew, elsewhere if told so."""

    actions = planned(Faults(cuts=(Cut(from_s=0.04, to_s=0.08, url="ws://b"),)))

    asides = [action for action in actions if not isinstance(action, Send)]
    assert [
        Connect(at_s=0.0),
        Start(at_s=0.0),
        Disconnect(at_s=0.04),
        Connect(at_s=0.08, url="ws://b"),
        Start(at_s=0.08),
    ] == asides
    assert [0, 1, 4] == positions(actions, IN)


def test_a_cut_from_the_beginning_is_a_socket_that_opens_late() -> None:
    """The late tap of a call: nothing before it, nothing dropped."""

    late = planned(Faults(cuts=(Cut(from_s=0.0, to_s=0.04, track=OUT),)), tracks=[OUT])
    other = planned(Faults(cuts=(Cut(from_s=0.0, to_s=0.04, track=OUT),)), tracks=[IN])

    assert [Connect(at_s=0.04), Start(at_s=0.04)] == late[:2]
    assert [2, 3, 4] == positions(late, OUT)
    assert [0, 1, 2, 3, 4] == positions(other, IN)


def test_a_start_may_come_late_or_never() -> None:
    """Media goes out before its start where the fault says so."""

    late = planned(Faults(start_after_s=0.03), frames=3)
    never = planned(Faults(start_after_s=math.inf))

    assert [Connect, Send, Send, Send, Send, Start, Send, Send] == [type(a) for a in late]
    assert not any(isinstance(action, Start) for action in never)


def test_rubbish_comes_between() -> None:
    """Messages that no carrier sends go out as they are, at their time."""

    actions = planned(Faults(rubbish=(Rubbish(at_s=0.02, messages=("{", b"\x00")),)), frames=2)

    assert [Say(at_s=0.02, message="{"), Say(at_s=0.02, message=b"\x00")] == actions[4:6]
