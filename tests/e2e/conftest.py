"""One local AWS with the real stack for all end-to-end tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from infra.local.aws import LocalAws
from tests.e2e.stage import Stage, staged


@pytest.fixture(scope="session")
def stage(cloud: LocalAws, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """A deployed recorder."""
    with staged(cloud, tmp_path_factory.mktemp("stage")) as stage:
        yield stage
