"""One local AWS with the real stack for all end-to-end tests."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from infra.local.aws import DeployParameters, LocalAws, deploy
from infra.local.customer import make_customer
from infra.local.ports import choose_port
from infra.local.receiver import receiving
from infra.local.secret import webhook_secrets
from tests.e2e.stage import Stage


@pytest.fixture(scope="session")
def stage(cloud: LocalAws, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """A deployed recorder; waits of the Delivery schedule are a tenth of what they are."""
    folder = tmp_path_factory.mktemp("stage")
    with ExitStack() as parts:
        stack = deploy(cloud, DeployParameters(sink_url="ws://127.0.0.1:9", wait_scale="0.1"))
        port, secrets = choose_port("E2E_RECEIVER_PORT"), webhook_secrets(cloud, stack)
        receiver = parts.enter_context(receiving(port, secrets, lambda _: None))
        customer = make_customer(stack, cloud.tools.python)
        yield Stage(aws=cloud, stack=stack, customer=customer, receiver=receiver, folder=folder)
