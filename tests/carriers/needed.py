"""Tests that play one carrier's calls: where the carrier was removed, they are skipped."""

from __future__ import annotations

import pytest

from chalicelib.carriers import registry


def needs(*carriers: str) -> None:
    """Skip the module that calls this, unless all these carriers are in the registry."""
    missing = [name for name in carriers if name not in registry.ROWS]
    if missing:
        pytest.skip(f"plays calls of {', '.join(missing)}", allow_module_level=True)


def needing(*carriers: str) -> pytest.MarkDecorator:
    """Return the mark of a test that needs these carriers in the registry."""
    missing = [name for name in carriers if name not in registry.ROWS]
    return pytest.mark.skipif(bool(missing), reason=f"plays calls of {', '.join(missing)}")
