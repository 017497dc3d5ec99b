"""The local AWS that contract tests and end-to-end tests share: one process for the whole run."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from infra.local.aws import LocalAws, local_aws
from tests.carriers.playing import skip_what_is_played
from tests.first_failures import pytest_terminal_summary

__all__ = ["pytest_terminal_summary"]

# How long an example takes is the machine's matter: benchmarks tell that.
settings.register_profile(
    "any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("any machine")

MINISTACK = pytest.param("ministack", marks=pytest.mark.e2e)
"""a world that only `-m e2e` runs in"""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip what plays a carrier that was removed."""
    skip_what_is_played(items)


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAws]:
    """A MiniStack, empty until somebody deploys into it."""
    with local_aws(tmp_path_factory.mktemp("aws")) as running:
        yield running
