"""Bandwidth's media stream: JSON text, base64 payload, all tracks on one socket."""

from __future__ import annotations

import json
from base64 import b64encode
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from simulator.schedule import Send
from simulator.socket import Numbering, Setup


class Bandwidth:
    """A stream of all tracks."""

    def __init__(self, setup: Setup) -> None:
        self.url = setup.stream_url
        self.tracks = setup.tracks
        self._setup = setup
        self._stream_id = f"s-{uuid4()}"
        self._answered_at = _now()

    def opening(self) -> list[str]:
        """Return `start`."""
        params = self._setup.stream_params
        start = {"eventType": "start", "metadata": self._metadata()}
        return [json.dumps(start | ({"streamParams": dict(params)} if params else {}))]

    def media(self, sent: Send) -> str:
        """Return `media`."""
        payload = b64encode(sent.payload).decode("ascii")
        number = _number(self._setup.numbering, sent)
        return f'{{"eventType":"media",{number}"track":"{sent.track}","payload":"{payload}"}}'

    def closing(self) -> list[str]:
        """Return `stop`."""
        return [json.dumps({"eventType": "stop", "metadata": self._metadata()})]

    def started(self) -> dict[str, Any]:
        """Return `mediaStreamStarted`."""
        return self._event("mediaStreamStarted")

    def stopped(self, seconds: float) -> dict[str, Any]:
        """Return `mediaStreamStopped` with the nine digits that the carrier prints."""
        event = self._event("mediaStreamStopped") | {"cause": "closed"}
        event["mediaStream"]["duration"] = f"PT{seconds:.9f}S"
        return event

    def _metadata(self) -> dict[str, Any]:
        format_ = {"encoding": self._setup.encoding, "sampleRate": 8000}
        return {
            "accountId": "5555555",
            "callId": self._setup.call_id,
            "streamId": self._stream_id,
            "streamName": "simulated",
            "tracks": [{"name": track, "mediaFormat": format_} for track in self.tracks],
        }

    def _event(self, event_type: str) -> dict[str, Any]:
        setup = self._setup
        call_url = f"https://voice.bandwidth.com/api/v2/accounts/5555555/calls/{setup.call_id}"
        event = {
            "eventType": event_type,
            "eventTime": _now(),
            "accountId": "5555555",
            "answerTime": self._answered_at,
            "applicationId": "7fc9698a-b04a-468b-9e8f-91238c0d0086",
            "callId": setup.call_id,
            "callUrl": call_url,
            "direction": "inbound",
            "from": "+15551112222",
            "startTime": self._answered_at,
            "to": "+15553334444",
            "mediaStream": {
                "destination": self.url,
                "id": self._stream_id,
                "name": "simulated",
                "startTime": self._answered_at,
                "tracks": list(self.tracks),
                "type": "WebSocket",
            },
        }
        return event | ({"tag": setup.tag} if setup.tag else {})


def _number(numbering: Numbering, sent: Send) -> str:
    match numbering:
        case Numbering.STREAM:
            return f'"sequenceNumber":"{sent.number_in_stream}",'
        case Numbering.TRACK:
            return f'"sequenceNumber":"{sent.number_in_track}",'
        case Numbering.NONE:
            return ""


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
