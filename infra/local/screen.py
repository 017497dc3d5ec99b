"""What the person at the terminal reads."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Sequence

from infra.local.customer import Customer
from infra.local.outcome import Outcome
from infra.local.receiver import Callback

_COLUMNS = ("recording", "call", "state", "duration", "format", "size", "equals what was sent")


class Screen:
    """Prints lines with the seconds since the run began, whole ones from any thread."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._lock = threading.Lock()

    def say(self, line: str) -> None:
        """Print one line."""
        with self._lock:
            print(f"{time.monotonic() - self._began:6.1f} s  {line}", flush=True)

    def show(self, text: str = "") -> None:
        """Print text as it is."""
        with self._lock:
            print(text, flush=True)

    def tell_callback(self, callback: Callback) -> None:
        """Print a status callback as it arrives."""
        signature = "signed" if callback.is_signed else "SIGNATURE DOESN'T VERIFY"
        record = callback.body.get("params", {}).get("record", {})
        about = f"  {record['duration']} s, {record['size']:,} bytes" if record else ""
        self.say(f"callback  {callback.state:<9}  call {callback.call_id:<38}  {signature}{about}")


def fail(sentence: str) -> None:
    """Print why the run ends."""
    print(f"make run: {sentence}", file=sys.stderr, flush=True)


def table(outcomes: Sequence[Outcome]) -> str:
    """Return the recordings as a table."""
    rows = [_COLUMNS, *(_row(outcome) for outcome in outcomes)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_COLUMNS))]
    lines = [
        "  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
    return "\n".join([lines[0], "-" * len(lines[0]), *lines[1:]])


def _row(outcome: Outcome) -> tuple[str, ...]:
    recording = outcome.recording
    rendition = (recording.get("renditions") or [{}])[0]
    return (
        recording.get("recording_id", "none"),
        outcome.title,
        recording.get("state", "missing"),
        f"{rendition['duration']:.2f} s" if rendition else "-",
        rendition.get("format", "-"),
        f"{rendition['size']:,}" if rendition else "-",
        f"NO: {outcome.problem}" if outcome.problem else f"yes, every sample{outcome.remark}",
    )


def downloads(outcomes: Sequence[Outcome]) -> str:
    """Return where each recording can be had."""
    lines = []
    for outcome in outcomes:
        if outcome.file:
            lines += [f"{outcome.title}:", f"  {outcome.recording['url']}", f"  {outcome.file}"]
    return "\n".join(["Downloads (the links want the API key; the files are there):", *lines])


def by_hand(customer: Customer, outcomes: Sequence[Outcome]) -> str:
    """Return what to try next, ready to paste."""
    api, header = customer.api_url, '"Authorization: Bearer $KEY"'
    lines = [
        "Try it by hand:",
        f"  API={api}",
        f"  KEY={customer.key}",
        f'  curl -s -H {header} "$API/v1/recordings"',
        f'  curl -s -H {header} "$API/v1/profiles/bandwidth/instructions?document=bxml"',
    ]
    for outcome in outcomes[:1]:
        recording_id = outcome.recording.get("recording_id", "")
        path = f"$API/v1/recordings/{recording_id}"
        lines.append(f'  curl -s -H {header} "{path}/events"')
        lines.append(f'  curl -sL -o call.wav -H {header} "{path}/download"')
    return "\n".join(lines)
