"""What only newer code can bring to an end: this code deletes nothing of it and ends nothing.

While two versions run, or after the way back, a sweeper, a worker or a finalization meets calls of
a carrier, or streams of a dialect, that it doesn't know. The newer code finishes them.
"""

from __future__ import annotations

from collections.abc import Iterable

from chalicelib.carriers import registry as streams
from chalicelib.dialects.webhooks import registry as webhooks
from chalicelib.errors import NewerForm
from chalicelib.recording import rtp_endpoint
from chalicelib.recording.model import CallRef, Stream

LEFT = "left_to_newer"
"""what a sweep did with it"""

_DIALECTS = frozenset({*streams.ROWS, rtp_endpoint.DIALECT})
_CARRIERS = frozenset({*webhooks.DIALECTS, *(row.carrier for row in streams.ROWS.values())})


def is_known_stream(stream: Stream) -> bool:
    """Whether this code knows how a stream's media finds its place."""
    return stream.call.carrier in _CARRIERS and stream.dialect in _DIALECTS


def verify_known(found: Iterable[Stream]) -> None:
    """Raise NewerForm where a stream's dialect or carrier isn't known."""
    for stream in found:
        if not is_known_stream(stream):
            raise NewerForm(
                f"stream {stream.stream_key} of {stream.call.carrier} speaks {stream.dialect}:"
                " only newer code knows it"
            )


def verify_known_call(call: CallRef) -> None:
    """Raise NewerForm where a call's carrier isn't known."""
    if call.carrier not in _CARRIERS:
        raise NewerForm(f"only newer code knows the carrier {call.carrier}")
