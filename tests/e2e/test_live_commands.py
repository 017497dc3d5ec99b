"""Commands to a live call, through the deployed API to a worker and back."""

from __future__ import annotations

from pathlib import Path

import pytest

from chalicelib.capture.events import Encoding
from tests.e2e.listening import decoded, hear
from tests.e2e.stage import Stage
from tests.pause.run import IN, PAUSE_AT_S, RESUME_AT_S, SPARED_S, TRACKS, call_id, run

pytestmark = pytest.mark.e2e


def test_what_is_said_in_a_pause_is_stored_nowhere(stage: Stage, tmp_path: Path) -> None:
    """The renditions go from before the pause to after it; no object, row or log holds what is
    between, neither in the pause nor after the calls."""
    outcome = run(stage, tmp_path)

    assert [] == outcome.in_the_pause
    assert [] == outcome.after_the_calls
    assert any(name.startswith("segments/") for name in outcome.controls)
    assert {f"rendition of {dialect}" for dialect in TRACKS} <= set(outcome.controls)
    for dialect in TRACKS:
        control_id = outcome.recordings[dialect]["control_id"]
        assert [
            {"state": "paused", "still_recording": []},
            {"state": "recording", "still_recording": [control_id]},
        ] == outcome.answers[dialect]
        states = [callback.state for callback in stage.receiver.of_call(call_id(dialect))]
        assert ["recording", "paused", "recording", "finished"] == states
        pcm = decoded(outcome.reports[dialect].tracks[IN], Encoding.PCMU)
        heard = hear(outcome.audio[dialect]).channels[0]
        assert heard.startswith(pcm[: 2 * round(PAUSE_AT_S * 8000) - 1600])
        after = 2 * round((RESUME_AT_S + 2 * SPARED_S) * 8000)
        assert pcm[after:-3200] in heard
