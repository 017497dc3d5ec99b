from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

import pytest

from chalicelib.capture.events import Track
from chalicelib.recording import keys
from chalicelib.recording.model import CallRef, Format, Gap, Quality, Recording, Rendition, State
from chalicelib.recording.outbox import RecordingEvent
from chalicelib.security import tokens
from chalicelib.security.tokens import TokenKind
from tests.api.conftest import KEYS, PUBLIC_URL, Api, error_of
from tests.samples import CALL, T0, a_call, a_callback, a_recording, an_event, later

KEY = bytes.fromhex(KEYS["token_keys"][0])
RECORDING_ID = a_recording().recording_id
WAV = Rendition(
    format=Format.WAV,
    key="recordings/main/r/recording.wav",
    size=248_364,
    duration_ms=15_500,
    channels=1,
    sha256="ab" * 32,
    created_at=later(30),
)


def finished() -> Recording:
    return a_recording(
        state=State.FINISHED,
        started_at=T0,
        ended_at=later(15.5),
        renditions=(WAV,),
        gaps=(Gap(track=Track.INBOUND, offset_ms=100.0, duration_ms=60.0, reason="lost"),),
        quality=Quality(messages_received=1550),
    )


def keep(api: Api, recording: Recording) -> Recording:
    return api.core.recordings.create(recording, an_event(recording), None)


def of_call(number: int, **changes: object) -> Recording:
    call = CallRef(account="main", carrier="bandwidth", call_id=f"c-{number}")
    recording = a_recording(
        call=call,
        recording_id=keys.recording_id(call.key, "control-1"),
        created_at=later(number),
    )
    return replace(recording, **changes)  # type: ignore[arg-type]  # fields by name


def token(subject: str, for_: timedelta = timedelta(hours=1)) -> str:
    return tokens.issue([KEY], TokenKind.RECORDING, "main", subject, datetime.now(UTC) + for_)


def ids(api: Api, query: str) -> list[str]:
    found = api.get(f"/v1/recordings?{query}").json_body["recordings"]
    return [recording["call_id"] for recording in found]


def test_a_recording_is_shown_whole(api: Api) -> None:
    """Options under SWML's names, renditions, gaps and quality facts."""

    keep(api, finished())

    shown = api.get(f"/v1/recordings/{RECORDING_ID}").json_body

    assert ("finished", "c-1", "wav") == (
        shown["state"],
        shown["call_id"],
        shown["options"]["format"],
    )
    assert f"{PUBLIC_URL}/v1/recordings/{RECORDING_ID}/download" == shown["url"]
    assert {
        "format": "wav",
        "size": 248_364,
        "duration": 15.5,
        "channels": 1,
        "sha256": "ab" * 32,
        "created_at": "2026-03-01T12:00:30+00:00",
    } == shown["renditions"][0]
    assert [("inbound", 100.0, 60.0, "lost")] == [tuple(gap.values()) for gap in shown["gaps"]]
    assert 1550 == shown["quality"]["messages_received"]


def test_an_unknown_recording_is_a_404(api: Api) -> None:
    """There is nothing of that id."""

    assert 404 == api.get("/v1/recordings/nothing").status_code


def test_what_happened_comes_in_order(api: Api) -> None:
    """The history's lines, oldest first."""

    recording = keep(api, a_recording())
    api.core.history.append(
        RecordingEvent(recording_id=recording.recording_id, at=later(9), event="callback_delivered")
    )

    events = api.get(f"/v1/recordings/{RECORDING_ID}/events").json_body["events"]

    assert ["recording", "callback_delivered"] == [event["event"] for event in events]
    assert {"cause": "first_media", "ratio": 0.5, "again": False, "count": 3} == events[0]["detail"]


def test_recordings_are_listed_newest_first_page_by_page(api: Api) -> None:
    """The cursor of a page leads to the next, and the last has none."""

    for number in range(5):
        keep(api, of_call(number))

    first = api.get("/v1/recordings?limit=3").json_body
    second = api.get(f"/v1/recordings?limit=3&cursor={quote(first['cursor'])}").json_body

    assert ["c-4", "c-3", "c-2"] == [row["call_id"] for row in first["recordings"]]
    assert ["c-1", "c-0"] == [row["call_id"] for row in second["recordings"]]
    assert "" == second["cursor"]


def test_recordings_are_filtered(api: Api) -> None:
    """By call, state, label and time of creation."""

    keep(api, of_call(1, labels={"tag": "a:b"}))
    keep(api, of_call(2, state=State.ERROR, labels={"tag": "c"}))

    assert ["c-1"] == ids(api, "call_id=c-1")
    assert ["c-2"] == ids(api, "state=error")
    assert ["c-1"] == ids(api, "label.tag=a%3Ab")
    assert ["c-1"] == ids(api, "label=tag:a:b")
    assert ["c-2"] == ids(api, "from=2026-03-01T12:00:02Z")
    assert ["c-1"] == ids(api, "to=2026-03-01T12:00:02")
    assert ["c-2"] == ids(api, "from=2026-03-01T13:00:02%2B01:00")
    assert ["c-2"] == ids(api, "from=2026-03-01T13:00:02+01:00")


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("state=done", "out_of_range"),
        ("limit=0", "out_of_range"),
        ("limit=201", "out_of_range"),
        ("limit=many", "wrong_type"),
        ("limit=²", "wrong_type"),
        ("from=yesterday", "wrong_type"),
        ("to=", "wrong_type"),
        ("label=tag", "wrong_type"),
        ("label=:x", "out_of_range"),
        ("label=a:b&label.c=d", "repeated_parameter"),
        ("label=a:b&label=c:d", "repeated_parameter"),
        ("cursor=%25", "invalid_cursor"),
        ("call_id=a%20b", "bad_call_id"),
        ("order=up", "unknown_parameter"),
    ],
)
def test_a_filter_that_can_t_be_read_is_a_400(api: Api, query: str, code: str) -> None:
    """Nothing is silently ignored."""

    assert (400, code) == error_of(api.get(f"/v1/recordings?{query}"))


def test_a_download_redirects_to_the_store(api: Api) -> None:
    """302 to a URL of at most 300 seconds, which nobody may cache."""

    keep(api, finished())

    response = api.get(f"/v1/recordings/{RECORDING_ID}/download")

    expected = f"{WAV.key}?X-Amz-Expires=300&as={RECORDING_ID}.wav"
    assert (302, "no-store") == (response.status_code, response.headers["Cache-Control"])
    assert response.headers["Location"].endswith(expected)


def test_a_format_that_wasn_t_made_is_a_404(api: Api) -> None:
    """`no_such_rendition` for a known format, 400 for an unknown one."""

    keep(api, finished())
    path = f"/v1/recordings/{RECORDING_ID}/download"

    assert 302 == api.get(f"{path}?format=wav").status_code
    assert (404, "no_such_rendition") == error_of(api.get(f"{path}?format=mp3"))
    assert (400, "out_of_range") == error_of(api.get(f"{path}?format=ogg"))
    assert (400, "out_of_range") == error_of(api.get(f"{path}?format="))
    assert (400, "unknown_parameter") == error_of(api.get(f"{path}?token=x"))


@pytest.mark.parametrize("state", [State.PENDING, State.RECORDING, State.PAUSED, State.FINALIZING])
def test_what_isn_t_finished_yet_is_a_409_that_says_when_to_ask_again(
    api: Api, state: State
) -> None:
    """`Retry-After` while the audio may still come."""

    keep(api, a_recording(state=state))

    response = api.get(f"/v1/recordings/{RECORDING_ID}/download")

    assert (409, "not_finished") == error_of(response)
    assert "5" == response.headers["Retry-After"]


@pytest.mark.parametrize("state", [State.ERROR, State.NO_INPUT])
def test_what_ended_without_audio_is_a_409_for_good(api: Api, state: State) -> None:
    """No `Retry-After`: waiting won't help."""

    keep(api, a_recording(state=state))

    response = api.get(f"/v1/recordings/{RECORDING_ID}/download")

    assert (409, "no_audio") == error_of(response)
    assert "Retry-After" not in response.headers


@pytest.mark.parametrize("is_with_token", [False, True])
def test_a_head_tells_type_and_length(api: Api, is_with_token: bool) -> None:
    """Of the finished audio, and of the format that is asked for; no redirect, and no download."""

    mp3 = replace(WAV, format=Format.MP3, key="recordings/main/r/recording.mp3", size=62_208)
    keep(api, replace(finished(), renditions=(WAV, mp3)))
    path = f"/v1/recordings/{RECORDING_ID}/download"
    path = f"{path}/{token(RECORDING_ID)}" if is_with_token else path
    headers = {} if is_with_token else None

    answers = [api.head(path + query, headers) for query in ("", "?format=wav", "?format=mp3")]

    assert [200] * 3 == [answer.status_code for answer in answers]
    assert [("audio/wav", "248364"), ("audio/wav", "248364"), ("audio/mpeg", "62208")] == [
        (answer.headers["Content-Type"], answer.headers["Content-Length"]) for answer in answers
    ]
    assert ["248364", "248364", "62208"] == [
        answer.headers["X-Content-Length"] for answer in answers
    ]
    assert "no-store" == answers[0].headers["Cache-Control"]
    assert ["finished"] == [each.event for each in api.core.history.events(RECORDING_ID)]


@pytest.mark.parametrize(
    ("recording", "query"),
    [
        (finished(), "?format=mp3"),
        (finished(), "?format=ogg"),
        (finished(), "?token=x"),
        (a_recording(), ""),
        (a_recording(state=State.FINALIZING), ""),
        (a_recording(state=State.ERROR), ""),
        (replace(finished(), recording_id="another"), ""),
    ],
)
def test_a_head_is_refused_as_the_get_is(api: Api, recording: Recording, query: str) -> None:
    """The same status and headers, without the body."""

    keep(api, recording)
    path = f"/v1/recordings/{RECORDING_ID}/download{query}"

    told, shown = api.get(path), api.head(path)

    assert told.status_code in (400, 404, 409)
    assert (told.status_code, told.headers) == (shown.status_code, shown.headers)


def test_a_head_needs_what_the_get_needs(api: Api) -> None:
    """A key, or the recording's own token."""

    keep(api, finished())
    path = f"/v1/recordings/{RECORDING_ID}"

    for of in (
        "download",
        "proof",
        f"download/{token('another')}",
        f"download/{token(RECORDING_ID, timedelta(hours=-1))}",
    ):
        refused = api.head(f"{path}/{of}", headers={})
        assert (401, "Bearer") == (refused.status_code, refused.headers["WWW-Authenticate"])


def test_a_token_opens_its_recording_without_a_key(api: Api) -> None:
    """So that a carrier can play it."""

    keep(api, finished())

    path = f"/v1/recordings/{RECORDING_ID}/download/{token(RECORDING_ID)}"

    assert 302 == api.get(path, headers={}).status_code


@pytest.mark.parametrize(
    "wrong",
    [
        token("another"),
        token(RECORDING_ID, timedelta(hours=-1)),
        tokens.issue([KEY], TokenKind.PROFILE, "main", RECORDING_ID, later(10**9)),
        tokens.issue([b"x" * 32], TokenKind.RECORDING, "main", RECORDING_ID, later(10**9)),
        "x",
    ],
    ids=["another recording's", "expired", "another kind", "another's key", "no token"],
)
def test_a_token_opens_nothing_else(api: Api, wrong: str) -> None:
    """Another recording's, an expired, a profile's and a forged one are all 401."""

    keep(api, finished())

    response = api.get(f"/v1/recordings/{RECORDING_ID}/download/{wrong}", headers={})

    assert 401 == response.status_code


def test_a_token_of_a_live_recording_doesn_t_wait(api: Api) -> None:
    """Only finalization is short enough to wait for."""

    keep(api, a_recording())
    path = f"/v1/recordings/{RECORDING_ID}/download/{token(RECORDING_ID)}"

    assert (409, "not_finished") == error_of(api.get(path, headers={}))


def test_redelivery_is_a_new_round_under_the_same_id(api: Api) -> None:
    """The latest callback, or the named one, is due and started again."""

    recording = finished()
    row = a_callback(recording, delivered_at=later(31), attempts=1)
    api.core.recordings.create(recording, an_event(recording), row)
    path = f"/v1/recordings/{RECORDING_ID}/redeliver"

    latest, named = api.send("POST", path), api.send("POST", path, {"webhook_id": row.webhook_id})

    assert (202, {"webhook_id": row.webhook_id, "round": 2}) == (
        latest.status_code,
        latest.json_body,
    )
    assert 3 == named.json_body["round"]
    assert [(RECORDING_ID, row.webhook_id, 2), (RECORDING_ID, row.webhook_id, 3)] == (
        api.workflows.deliveries
    )
    (stored,) = api.core.outbox.rows(RECORDING_ID)
    assert (0, None) == (stored.attempts, stored.delivered_at)


def test_there_must_be_a_callback_to_deliver_again(api: Api) -> None:
    """None owed, none of that name, a wrong type and a wrong key are told apart."""

    keep(api, a_recording())
    path = f"/v1/recordings/{RECORDING_ID}/redeliver"

    assert (404, "no_callback") == error_of(api.send("POST", path))
    assert 404 == api.send("POST", path, {"webhook_id": "msg_x"}).status_code
    assert (400, "wrong_type") == error_of(api.send("POST", path, {"webhook_id": 7}))
    assert (400, "unknown_property") == error_of(api.send("POST", path, {"webhook": "msg_x"}))


def test_the_call_of_a_recording_is_the_account_s(api: Api) -> None:
    """The call id in a recording leads to its call."""

    keep(api, finished())

    assert CALL.call_id == api.get(f"/v1/recordings/{RECORDING_ID}").json_body["call_id"]


def test_an_error_can_be_finalized_again(api: Api) -> None:
    """It is accepted once; what isn't in error is told."""

    failed = keep(api, a_recording(state=State.ERROR, reason="finalization_failed", attempt=3))
    ended = an_event(failed, event="finalizing", detail={"cause": "call_closed"}, at=later(2))
    api.core.history.append(ended)
    api.core.store.calls[CALL.key] = a_call()
    path = f"/v1/recordings/{RECORDING_ID}/retry"

    first, second = api.send("POST", path), api.send("POST", path)

    assert (202, "finalizing", "call_closed") == (
        first.status_code,
        first.json_body["state"],
        first.json_body["reason"],
    )
    assert [(RECORDING_ID, 4)] == api.workflows.finalizations
    assert (409, "not_failed") == error_of(second)


def test_another_format_is_made_and_then_downloaded(api: Api) -> None:
    """Until it is there, asking for it is a 404 with a code of its own."""

    now = datetime.now(UTC)
    recording = finished()
    fresh = tuple(replace(one, created_at=now) for one in recording.renditions)
    keep(api, replace(recording, renditions=fresh))

    path = f"/v1/recordings/{RECORDING_ID}"
    assert (404, "no_such_rendition") == error_of(api.get(f"{path}/download?format=mp3"))
    asked = api.send("POST", f"{path}/renditions", {"format": "mp3"})

    assert (202, "mp3", "finished") == (
        asked.status_code,
        asked.json_body["making"],
        asked.json_body["state"],
    )
    assert [(RECORDING_ID, 1)] == api.workflows.finalizations
    assert (404, "no_such_rendition") == error_of(api.get(f"{path}/download?format=mp3"))
    made = replace(fresh[0], format=Format.MP3, key="recordings/main/x/recording.mp3")
    row = api.core.recordings.get(RECORDING_ID)
    api.core.store.recordings[RECORDING_ID] = replace(row, making=None, renditions=(*fresh, made))
    opened = api.get(f"{path}/download?format=mp3")
    assert 302 == opened.status_code
    assert "recording.mp3" in opened.headers["Location"]


def test_a_proof_is_where_the_redirect_leads(api: Api) -> None:
    """With a key, and never cached."""

    keep(api, finished())
    api.renditions.put_text(keys.proof_key("main", RECORDING_ID), "{}", {})

    response = api.get(f"/v1/recordings/{RECORDING_ID}/proof")

    assert (302, "no-store") == (response.status_code, response.headers["Cache-Control"])
    assert "/proof.json?X-Amz-Expires=300" in response.headers["Location"]
    assert 401 == api.get(f"/v1/recordings/{RECORDING_ID}/proof", headers={}).status_code


def test_a_head_of_a_proof_tells_its_length(api: Api) -> None:
    """And that it is JSON."""

    keep(api, finished())
    api.renditions.put_text(keys.proof_key("main", RECORDING_ID), '{"a": 1}', {})

    answer = api.head(f"/v1/recordings/{RECORDING_ID}/proof")

    assert (200, "application/json", "8") == (
        answer.status_code,
        answer.headers["Content-Type"],
        answer.headers["Content-Length"],
    )
    assert ["finished"] == [each.event for each in api.core.history.events(RECORDING_ID)]


def test_a_recording_that_was_never_signed_has_no_proof(api: Api) -> None:
    """It was finished before there were proofs."""

    keep(api, finished())

    assert 404 == api.head(f"/v1/recordings/{RECORDING_ID}/proof").status_code

    assert (404, "no_proof") == error_of(api.get(f"/v1/recordings/{RECORDING_ID}/proof"))
