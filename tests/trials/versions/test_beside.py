"""The baseline's processes beside the working tree's, in both directions; and what it left."""

from __future__ import annotations

import warnings
from typing import Any

import pytest

from infra.local.aws import LocalAws
from trials.versions.fixture import Fixture, fixtures, lacks
from trials.versions.future import ENCODED, SPOKEN
from trials.versions.pair import Played
from trials.versions.short_form import ShortForm, play_short_form
from trials.versions.tree import must_have_history

pytestmark = pytest.mark.e2e

FIXTURES = [pytest.param(one, id=one.folder.name) for one in fixtures()]
DIRECTIONS = [
    pytest.param("old", id="calls of the baseline"),
    pytest.param("new", id="calls of the working tree"),
]


@pytest.fixture(scope="module")
def short_form(cloud: LocalAws, tmp_path_factory: pytest.TempPathFactory) -> ShortForm:
    """All of it, played at once."""
    played = play_short_form(cloud, tmp_path_factory.mktemp("versions"))
    if played.no_history:
        # Nothing is skipped in silence: CI has the history, or fails.
        warnings.warn(f"versions: only fixtures are read: {played.no_history}", stacklevel=1)
    return played


@pytest.fixture
def played(short_form: ShortForm, request: pytest.FixtureRequest) -> Played:
    """What came of the calls that one version's workers had, seen through by the other."""
    if short_form.no_history:
        if must_have_history():
            pytest.fail(short_form.no_history)
        pytest.skip(short_form.no_history)
    return short_form.pairs[request.param]


@pytest.mark.parametrize("played", DIRECTIONS, indirect=True)
def test_a_call_takes_commands_from_the_other_version(played: Played) -> None:
    """record_call, pause, resume, discard and stop_record_call reach the call's worker, and what
    was said in the pause isn't in the file."""
    assert ["paused", "recording", "error"] == played.answers
    assert ["recording", "paused", "recording", "finished"] == played.told_of_paused
    assert ["recording", "error"] == played.told_of_discarded
    assert played.paused_frames > 50
    assert played.heard_frames > 20
    assert 0 == played.paused_frames_heard


@pytest.mark.parametrize("played", DIRECTIONS, indirect=True)
def test_a_stream_is_forwarded_to_the_other_version_and_back(played: Played) -> None:
    """Its owner is stopped as planned, and the call goes on at the worker that forwarded: all that
    was sent is in the recording, bit for bit, and the hole between them is told."""
    assert played.forwarded_tracks == {"outbound"}
    assert 0 == played.exit_code
    assert [] == played.problems["moved"]
    assert {0.0} == set(played.losses_s["moved"])
    assert [] == played.problems["commanded"]
    assert {0.0} == set(played.losses_s["commanded"])


@pytest.mark.parametrize("played", DIRECTIONS, indirect=True)
def test_the_other_version_finishes_what_a_dead_worker_left(played: Played) -> None:
    """Its sweeper finds the worker dead and ends the call; three seconds of media are missing at
    most."""
    assert 1 == played.swept["dead_workers"]
    assert [] == played.problems["doomed"]
    (lost_s,) = played.losses_s["doomed"]
    assert lost_s <= 3.0
    assert [] == played.failures


@pytest.mark.parametrize("played", DIRECTIONS, indirect=True)
def test_either_version_reads_what_the_other_wrote(played: Played) -> None:
    """Both APIs answer the same of profiles, calls, recordings and their histories; what the newer
    one adds is no matter."""
    assert len(played.answers_of_old) > 10
    assert [] == lacks(played.answers_of_old, played.answers_of_new)


@pytest.mark.parametrize("fixture", FIXTURES)
def test_what_a_version_left_is_answered_and_ended_as_it_would_have(
    fixture: Fixture, short_form: ShortForm
) -> None:
    """The API answers the same of it, its links open, and every recording ends in the same state,
    with the same samples and the same callbacks."""
    wanted: dict[str, Any] = fixture.read("ended")
    found = short_form.ended[fixture.folder.name]

    assert [] == lacks(wanted.pop("answers"), found["answers"])
    assert [] == lacks(wanted, found)


@pytest.mark.parametrize("fixture", FIXTURES)
def test_what_only_newer_code_knows_is_left_alone_and_finished_by_it(
    fixture: Fixture, short_form: ShortForm
) -> None:
    """Of calls in another encoding or dialect nothing is ended, changed or deleted, and each sweep
    tells so; other calls of the same worker end. The newer code finishes them as if nothing was."""
    left, wanted = short_form.left[fixture.folder.name], fixture.read("ended")

    before, after = left.rows
    assert {"CALL", "RECORD"} < {row["sk"]["S"] for row in before}
    assert before == after
    assert 0 < len(left.objects[0])
    assert left.objects[0] == left.objects[1]
    assert all(one["left_to_newer"] > 0 for one in left.swept)
    assert {ENCODED, SPOKEN, "copied"} == left.unfinished  # the last one's carrier isn't there
    del wanted["answers"], wanted["links"], wanted["failures"]
    assert [] == lacks(wanted, left.ended)
