from __future__ import annotations

import pytest

from simulator.__main__ import main

CALL = ("--dialect", "bandwidth", "--stream-url", "ws://127.0.0.1:9/bandwidth/t")


@pytest.mark.parametrize("stretch", ["8-6", "x-y", "6", "nobody:1-2", ""])
def test_a_stretch_that_is_none_is_told(stretch: str, capsys: pytest.CaptureFixture[str]) -> None:
    """One sentence that names the option, and exit code 2."""

    with pytest.raises(SystemExit) as ended:
        main([*CALL, "--loss", stretch])

    assert 2 == ended.value.code
    assert "--loss" in capsys.readouterr().err.splitlines()[-1]
