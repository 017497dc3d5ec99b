"""What the baseline wrote means to the working tree what it meant to the baseline."""

from __future__ import annotations

from pathlib import Path

import pytest

from chalicelib.sink.forwarding.messages import Frames, MediaReceived
from infra import verify
from trials.versions.fixture import BUCKETS, TABLES, Fixture, fixtures, lacks
from trials.versions.programs.containers import contents
from trials.versions.programs.meanings import KINDS, meanings, name_of
from trials.versions.programs.messages import MESSAGES
from trials.versions.tree import baseline_commit

FIXTURES = [pytest.param(one, id=one.folder.name) for one in fixtures()]

ROWS = {
    "core": (
        *("ACCOUNT PROFILE", "CALL CALL", "CALL REC", "CALL STREAM", "CALL STREAM-SAID"),
        *("CALL TAP", "CALL WEBHOOK", "KEY KEY", "REC EVENT", "REC OUTBOX", "REC RECORD"),
        *("RECEIVER RECEIVER", "WEBHOOK WEBHOOK"),
    ),
    "hot": ("ENDPOINT", "LEASES", "MAILBOX", "RETAP", "RTP", "WORKER"),
}
"""kinds of rows: `adapters/dynamodb` describes them"""


def _kind(table: str, pk: str, sk: str) -> str:
    first = pk.partition("#")[0]
    return f"{first} {sk.partition('#')[0]}" if table == "core" else first


def test_there_is_a_fixture_of_the_baseline() -> None:
    """Who moves the baseline records what it writes."""
    assert baseline_commit()[:12] in [one.folder.name for one in fixtures()]


@pytest.mark.parametrize("fixture", FIXTURES)
def test_a_fixture_has_rows_of_every_kind(fixture: Fixture) -> None:
    """None was forgotten when it was recorded."""
    found = {
        table: tuple(
            sorted({_kind(table, row["pk"]["S"], row["sk"]["S"]) for row in fixture.rows(table)})
        )
        for table in TABLES
    }

    assert ROWS == found


@pytest.mark.parametrize("fixture", FIXTURES)
def test_a_fixture_has_recordings_in_every_state(fixture: Fixture) -> None:
    """Each state is a form of its own: what it lacks is read, too."""
    states = {row["state"]["S"] for row in fixture.rows("core") if row["sk"]["S"] == "RECORD"}

    assert {
        *("error", "finalizing", "finished", "no_input", "paused", "pending", "recording")
    } == states


@pytest.mark.parametrize("fixture", FIXTURES)
def test_a_row_means_what_it_meant(fixture: Fixture) -> None:
    """Every field that the baseline knew has the value that it had there, those that weren't stored
    because they equalled their default among them."""
    items = [item for table in TABLES for item in fixture.rows(table)]
    said, found = fixture.read("meanings"), meanings(items)

    assert {name_of(kind) for _, _, kind in KINDS} == {one["kind"] for one in said.values() if one}
    assert [] == lacks(said, found)


@pytest.mark.parametrize("fixture", FIXTURES)
@pytest.mark.parametrize("name", MESSAGES)
def test_a_message_between_workers_means_what_it_meant(fixture: Fixture, name: str) -> None:
    """Each kind of message is read as what it was made from."""
    said = bytes.fromhex(fixture.read("conversation")["messages"][name])

    assert [MESSAGES[name]] == list(Frames().receive(said))


@pytest.mark.parametrize("fixture", FIXTURES)
def test_a_conversation_between_workers_is_understood(fixture: Fixture) -> None:
    """From the first message on, whichever side of it this worker is on."""
    talk = fixture.read("conversation")
    passer, owner = (
        [type(said).__name__ for said in Frames().receive(bytes.fromhex(talk[side]))]
        for side in ("passer", "owner")
    )

    often = ("KeepAlive", "MediaReceived")
    assert ["Hello", "StreamOpened"] == [name for name in passer if name not in often]
    assert ["Welcome"] == [name for name in owner if name != "KeepAlive"]
    assert MediaReceived.__name__ in passer


@pytest.mark.parametrize("fixture", FIXTURES)
def test_stored_media_means_what_it_meant(fixture: Fixture) -> None:
    """Heads and records of journal objects and segments, field by field."""
    said, found = fixture.read("containers"), contents(dict(fixture.objects("media")))

    assert {"journal", "segment"} == {one["kind"] for one in said.values()}
    assert [] == lacks(said, found)


@pytest.mark.parametrize("fixture", FIXTURES)
def test_a_proof_verifies(fixture: Fixture, capsys: pytest.CaptureFixture[str]) -> None:
    """`make verify` finds nothing altered in a recording of then."""
    objects = fixture.folder / "objects"
    key = fixture.folder / "signing-key.pem"
    proofs = sorted((objects / BUCKETS[1]).rglob("proof.json"))
    codes = [verify.main([str(proof), str(_audio(proof)), "--key", str(key)]) for proof in proofs]

    assert 0 < len(proofs)
    assert [0] * len(proofs) == codes, capsys.readouterr().out


def _audio(proof: Path) -> Path:
    return next(path for path in sorted(proof.parent.iterdir()) if path.suffix == ".wav")
