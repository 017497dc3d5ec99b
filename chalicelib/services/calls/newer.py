"""Detects what only newer code can finish: this code neither ends nor deletes any of it.

While two versions run, or after a rollback, a sweeper, a worker or a finalization may meet calls of
a carrier, or streams of a dialect, that it doesn't know. The newer code finishes them.
"""

from __future__ import annotations

from collections.abc import Iterable

from chalicelib.carriers import registry
from chalicelib.errors import NewerForm
from chalicelib.recording import rtp_endpoint
from chalicelib.recording.model import CallRef, Stream

LEFT = "left_to_newer"
"""the count of these in a sweep's result"""


def is_known_stream(stream: Stream) -> bool:
    """Whether this code knows how a stream's media finds its place."""
    is_known_dialect = stream.dialect in registry.DIALECTS or stream.dialect == rtp_endpoint.DIALECT
    return stream.call.carrier in registry.ROWS and is_known_dialect


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
    if call.carrier not in registry.ROWS:
        raise NewerForm(f"only newer code knows the carrier {call.carrier}")
