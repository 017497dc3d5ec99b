"""docs/reference/callbacks.md: what it tells a receiver to do works."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from chalicelib.ports.values import SendFault
from chalicelib.recording.delivery_schedule import Reason
from chalicelib.recording.lifecycle import has_callback
from chalicelib.recording.model import State
from chalicelib.security.webhook_signature import signature_headers

DOCUMENT = (Path(__file__).parents[1] / "docs" / "reference" / "callbacks.md").read_text()
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def shown_verifier() -> Callable[[bytes, dict[str, str], str], Any]:
    code = re.findall(r"```python\n(.*?)```", DOCUMENT, re.DOTALL)[0]
    names: dict[str, Any] = {}
    exec(code, names)  # the document's own example
    verifier: Callable[[bytes, dict[str, str], str], Any] = names["verified"]
    return verifier


def test_shows_a_verifier_that_works() -> None:
    """The example accepts what we sign and nothing else."""

    headers = signature_headers("msg_1", datetime.now(UTC), b'{"a":1}', [SECRET])

    assert {"a": 1} == shown_verifier()(b'{"a":1}', headers, SECRET)
    assert shown_verifier()(b'{"a":2}', headers, SECRET) is None


def test_lists_every_state_that_is_told() -> None:
    """The table has a row for each state with a callback, and for no other."""

    listed = set(re.findall(r"^\| `(\w+)` \|.*\|(?: yes)? *\|$", DOCUMENT, re.MULTILINE))

    assert {str(state) for state in State if has_callback(state)} == listed


def test_names_every_fault() -> None:
    """A receiver finds in the document what it reads in the history."""

    for fault in SendFault:
        assert f"`{fault}`" in DOCUMENT
    for reason in set(Reason) - {Reason.DELETED}:
        assert f"`{reason}`" in DOCUMENT
