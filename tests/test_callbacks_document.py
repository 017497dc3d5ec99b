"""The documents of callbacks: what they tell a receiver to do works."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chalicelib.ports.values import SendFault
from chalicelib.recording.delivery_schedule import GivenUpReason
from chalicelib.recording.lifecycle import has_callback
from chalicelib.recording.model import State
from chalicelib.security.callback_signature import signature_headers
from tests.documents import ROOT

HOW_TO = ROOT / "docs" / "how-to" / "verify-a-callback.md"
DOCUMENT = (ROOT / "docs" / "reference" / "callbacks.md").read_text()
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

Verify = Callable[[bytes, dict[str, str]], Any]

_RUN = """
const [body, headers, secret] = JSON.parse(require("node:fs").readFileSync(0));
console.log(JSON.stringify(verified(body, headers, secret)));
"""


def shown(language: str) -> str:
    """Return the example in a language."""
    return re.findall(rf"```{language}\n(.*?)```", HOW_TO.read_text(), re.DOTALL)[0]


def in_python(body: bytes, headers: dict[str, str]) -> Any:
    """Ask the document's Python example."""
    names: dict[str, Any] = {}
    exec(shown("python"), names)
    return names["verified"](body, headers, SECRET)


def in_node(body: bytes, headers: dict[str, str]) -> Any:
    """Ask the document's Node.js example."""
    told = json.dumps([body.decode(), headers, SECRET])
    command = ["node", "-e", shown("js") + _RUN]
    done = subprocess.run(command, input=told, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


@pytest.mark.parametrize("verify", [in_python, in_node])
def test_shows_a_verifier_that_works(verify: Verify) -> None:
    """The example accepts what we sign, with either secret, and nothing else."""
    old = "whsec_" + "bm90IG91cnMgYW55IGxvbmdlciwgYnV0IGxvbmcgZW5vdWdo"
    now = datetime.now(UTC)

    headers = signature_headers("msg_1", now, b'{"a":1}', [old, SECRET])
    stale = signature_headers("msg_1", now - timedelta(seconds=400), b'{"a":1}', [SECRET])
    foreign = signature_headers("msg_1", now, b'{"a":1}', [old])

    assert {"a": 1} == verify(b'{"a":1}', headers)
    assert verify(b'{"a":2}', headers) is None
    assert verify(b'{"a":1}', headers | {"webhook-id": "msg_2"}) is None
    assert verify(b'{"a":1}', stale) is None
    assert verify(b'{"a":1}', foreign) is None


def test_lists_every_state_that_is_told() -> None:
    """The table has a row for each state with a callback, and for no other."""

    listed = set(re.findall(r"^\| `(\w+)` \|.*\|(?: yes)? *\|$", DOCUMENT, re.MULTILINE))

    assert {str(state) for state in State if has_callback(state)} == listed


def test_names_every_fault() -> None:
    """A receiver finds in the document what it reads in the history."""

    for fault in SendFault:
        assert f"`{fault}`" in DOCUMENT
    for reason in set(GivenUpReason) - {GivenUpReason.DELETED}:
        assert f"`{reason}`" in DOCUMENT
