"""What Retaps promises, in memory and as a table."""

from __future__ import annotations

from typing import Any

from tests.samples import T0, a_stream

STREAM = a_stream()


class TestRetaps:
    """The port Retaps."""

    def test_who_is_first_has_a_stream(self, core: Any) -> None:
        """Others don't, and it keeps it."""

        assert core.retaps.begin(STREAM, "retap-w-7", T0)
        assert not core.retaps.begin(STREAM, "retap-w-8", T0)
        assert core.retaps.begin(STREAM, "retap-w-7", T0)

    def test_a_stream_that_is_done_is_nobody_s(self, core: Any) -> None:
        """Not even of who did it."""

        core.retaps.begin(STREAM, "retap-w-7", T0)
        core.retaps.end(STREAM, "retap-w-7")

        assert not core.retaps.begin(STREAM, "retap-w-7", T0)
        assert not core.retaps.begin(STREAM, "retap-w-8", T0)

    def test_another_stream_is_another_matter(self, core: Any) -> None:
        """Of the same call, too."""

        core.retaps.begin(STREAM, "retap-w-7", T0)

        assert core.retaps.begin(a_stream(stream_key="stream-2"), "retap-w-8", T0)
