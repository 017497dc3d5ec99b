"""Tunes the garbage collector: long-lived objects aren't scanned again and again."""

from __future__ import annotations

import gc

_YOUNG = 50_000
"""new objects between two collections: a second's messages of 500 calls, none of them garbage"""


def tune() -> None:
    """Exempt all present objects from collection, and collect less often."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(_YOUNG, 20, 50)
