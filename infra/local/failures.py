"""What can go wrong in a local run: one sentence for a person, never a traceback."""

from __future__ import annotations


class RunFailed(Exception):
    """A step failed; the message is the whole sentence that the person sees."""
