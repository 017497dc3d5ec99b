"""What a listener gets of messages that come in any order."""

from __future__ import annotations

from collections.abc import Sequence

from chalicelib.capture.consumer_order import InOrder
from chalicelib.capture.events import Clock
from chalicelib.capture.records import StreamHead
from chalicelib.capture.reordering import Placed

FRAME = 160
HEAD = StreamHead(
    stream_key="s1",
    call_key="main/carrier/call",
    carrier_stream_id="s",
    dialect="stamped",
    rate_hz=8000,
    opened_at_us=0,
    clock=Clock.TIMESTAMP,
)


def message(number: int, arrival_ms: int) -> Placed:
    """Return a frame of 20 ms."""
    return Placed(FRAME * number, FRAME, bytes([number]) * FRAME, arrival_ms * 1000, number)


def heard(order: InOrder, messages: Sequence[Placed]) -> list[tuple[int, float]]:
    """Return the number and the told arrival, in ms, of what is given."""
    given = [one for each in messages for one in order.take(each)]
    return [(payload[0], told_us / 1000) for payload, told_us in given]


def test_a_listener_hears_1_2_4_3_5_as_1_2_3_4_5() -> None:
    """A message that overtook another waits for it. All are told as if they had come as promptly as
    the promptest: the fourth, by 20 ms."""
    messages = [message(n, 20 * place) for place, n in enumerate([1, 2, 4, 3, 5], start=2)]

    assert [(1, 40), (2, 60), (3, 60), (4, 80), (5, 100)] == [
        (number, round(told_ms)) for number, told_ms in heard(InOrder(HEAD), messages)
    ]


def test_a_lost_message_is_waited_for_200_ms() -> None:
    """What follows a hole comes at once when the time is over, and goes on as it comes."""
    order = InOrder(HEAD)
    numbers = [1, 2, *range(4, 20)]
    given = {n: [h[0] for h in heard(order, [message(n, 20 * (n + 1))])] for n in numbers}

    assert [] == given[13]
    assert [*range(4, 15)] == given[14]
    assert [15] == given[15]


def test_what_comes_after_its_turn_is_left_out() -> None:
    """The listener can't go back; the capture keeps it."""
    order = InOrder(HEAD)
    heard(order, [message(1, 40), message(3, 80), message(15, 320)])

    assert [] == heard(order, [message(2, 330)])


def test_an_end_gives_what_waits() -> None:
    """Nothing more comes: what waits for a lost message is heard."""
    order = InOrder(HEAD)
    heard(order, [message(1, 40), message(3, 80)])

    assert [3] == [payload[0] for payload, _ in order.flush()]
    assert [] == list(order.flush())
