"""How the process keeps its memory: what lives for long isn't looked at again and again."""

from __future__ import annotations

import gc

_YOUNG = 50_000
"""objects before the collector looks: a second's messages of 500 calls, which are no garbage"""


def settle() -> None:
    """Take what is there for permanent, and look for cycles of dead objects less often."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(_YOUNG, 20, 50)
