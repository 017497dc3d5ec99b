"""The sink's image: what its requirements install is enough for all that a worker does."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from importlib import metadata

import pytest

from infra.paths import ROOT
from infra.sink_network import HTTP_PORT
from tests.adapters.receivers import Answer, receiver, says
from tests.infra.conftest import Assembly

START = """
import sys
sys.modules.update(dict.fromkeys(sys.argv[1:]))  # importing one of these fails
import chalicelib.sink.__main__
from chalicelib import wiring
ports = wiring.ports()
for name in (
    "control", "leases", "sink_media", "secrets", "parameters", "workflows", "event_bus",
    "task_protection",
):
    getattr(ports, name)
"""

ENVIRONMENT = {
    "AWS_DEFAULT_REGION": "eu-west-1",
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "ECS_AGENT_URI": "http://169.254.170.2/api/t",
    **{
        f"TAPEDECK_{name}": name.lower()
        for name in (
            *("CORE_TABLE", "HOT_TABLE", "MEDIA_BUCKET", "RECORDINGS_BUCKET", "EVENT_BUS"),
            *(
                "FINALIZATION_ARN",
                "DELIVERY_ARN",
                "CARRIER_ARN",
                "SECRET_ID",
                "PUBLIC_URL_PARAMETER",
            ),
        )
    },
}


def normalized(name: str) -> str:
    """Return a distribution's name as indexes spell it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def installed(name: str) -> Iterator[str]:
    """Yield a distribution and all that it brings."""
    yield normalized(name)
    for requirement in metadata.requires(name) or []:
        needed, _, marker = requirement.partition(";")
        if "extra" not in marker:
            try:
                yield from installed(re.split(r"[^\w.-]", needed.strip())[0])
            except metadata.PackageNotFoundError:
                continue  # for another Python than this one


def absent_modules() -> list[str]:
    """Return the modules that are here, and not in the image."""
    lines = (ROOT / "infra/sink/requirements.txt").read_text().splitlines()
    pinned = [line.partition("==")[0] for line in lines if "==" in line]
    present = {found for name in pinned for found in installed(name)}
    return [
        module
        for module, owners in metadata.packages_distributions().items()
        if present.isdisjoint(map(normalized, owners))
    ]


def _own_environment() -> dict[str, str]:
    """Return the environment without what packaging the app leaves in it."""
    return {name: text for name, text in os.environ.items() if not name.startswith("TAPEDECK_")}


def test_a_worker_starts_with_what_the_image_installs() -> None:
    """Everything else of the development environment is hidden, and it makes all of its ports."""
    absent = absent_modules()

    done = subprocess.run(
        [sys.executable, "-c", START, *absent],
        cwd=ROOT,
        env={**_own_environment(), **ENVIRONMENT, "PYTHONPATH": "."},
        capture_output=True,
        text=True,
        check=False,
    )

    assert {"yaml", "chalice"} <= set(absent)
    assert ("", 0) == (done.stderr[-500:], done.returncode)


@pytest.mark.parametrize(
    ("answer", "is_well"),
    [
        (says(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"), True),
        (says(b"HTTP/1.1 503 Stopping\r\nContent-Length: 0\r\n\r\n"), False),
    ],
)
def test_the_container_s_health_check_needs_python_only(
    assembly: Assembly, answer: Answer, is_well: bool
) -> None:
    """A slim image has no curl; the check's exit code is the answer's."""

    (task,) = assembly.generation.find_resources("AWS::ECS::TaskDefinition").values()
    way, python, *arguments = task["Properties"]["ContainerDefinitions"][0]["HealthCheck"][
        "Command"
    ]
    with receiver(answer) as server:
        asked = [text.replace(f":{HTTP_PORT}/", f":{server.port}/") for text in arguments]
        done = subprocess.run([sys.executable, *asked], capture_output=True, check=False)

    assert ("CMD", "python", is_well) == (way, python, done.returncode == 0)
    assert "GET /healthz HTTP/1.1" == server.head()[0]
