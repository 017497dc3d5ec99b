"""The local AWS that contract tests and end-to-end tests share: one process for the whole run."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from infra.local.aws import LocalAws, local_aws

MINISTACK = pytest.param("ministack", marks=pytest.mark.e2e)
"""a world that only `-m e2e` runs in"""


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAws]:
    """A MiniStack, empty until somebody deploys into it."""
    with local_aws(tmp_path_factory.mktemp("aws")) as running:
        yield running
