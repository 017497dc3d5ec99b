from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from chalicelib import wiring
from chalicelib.config import Settings, read_settings
from chalicelib.errors import Unavailable
from chalicelib.recording.lifecycle import Writer
from tests.fakes import FakeTexts
from tests.samples import T0, a_profile, a_recording

ENVIRONMENT = {
    f"TAPEDECK_{name}": name.lower()
    for name in (
        *("CORE_TABLE", "HOT_TABLE", "MEDIA_BUCKET", "RECORDINGS_BUCKET", "FINALIZATION_ARN"),
        *(
            "DELIVERY_ARN",
            "CARRIER_ARN",
            "EVENT_BUS",
            "SECRET_ID",
            "PUBLIC_URL_PARAMETER",
            "SINK_URL",
        ),
        "SIGNING_KEY_ID",
    )
}
SDK = {
    "AWS_DEFAULT_REGION": "eu-west-1",
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
}
PORTS = {
    "recordings": "DynamoRecordings",
    "history": "DynamoHistory",
    "outbox": "DynamoOutbox",
    "receivers": "DynamoReceivers",
    "due_work": "DynamoDueWork",
    "calls": "DynamoCalls",
    "call_life": "DynamoCallLife",
    "live_streams": "DynamoLiveStreams",
    "inbox": "DynamoInbox",
    "leases": "DynamoLeases",
    "port_claims": "DynamoPortClaims",
    "profiles": "DynamoProfiles",
    "api_keys": "DynamoApiKeys",
    "media": "S3MediaStore",
    "sink_media": "S3MediaStore",
    "renditions": "S3RenditionStore",
    "signer": "KmsSigner",
    "encoder": "FileEncoder",
    "workflows": "StepFunctions",
    "event_bus": "EventBridge",
    "sender": "GuardedSender",
    "secrets": "SecretsManager",
    "counters": "LoggedCounters",
    "carrier_secrets": "SecretReader",
    "parameters": "ParameterStore",
    "transitions": "RecordingMover",
    "control": "CallController",
    "publishing": "Publishing",
    "sweeper": "Sweeper",
}


@pytest.fixture
def ports(monkeypatch: pytest.MonkeyPatch) -> wiring.Ports:
    for name, value in SDK.items():
        monkeypatch.setenv(name, value)
    return wiring.Ports(read_settings(ENVIRONMENT))


@pytest.mark.parametrize(("name", "adapter"), PORTS.items())
def test_every_port_has_its_adapter(ports: wiring.Ports, name: str, adapter: str) -> None:
    """Making one needs settings and no network, and it is made once."""

    made = getattr(ports, name)

    assert adapter == type(made).__name__
    assert made is getattr(ports, name)


def test_owner_and_sweeper_act_each_as_itself(ports: wiring.Ports) -> None:
    """Who may write a move is part of the lifecycle's table."""

    control: Any = ports.control

    assert (Writer.OWNER, Writer.SWEEPER) == (control.writer, ports.sweeper.control.writer)


@pytest.mark.parametrize(
    ("name", "variable"),
    [
        ("recordings", "CORE_TABLE"),
        ("leases", "HOT_TABLE"),
        ("media", "MEDIA_BUCKET"),
        ("sink_media", "MEDIA_BUCKET"),
        ("renditions", "RECORDINGS_BUCKET"),
        ("signer", "SIGNING_KEY_ID"),
        ("workflows", "FINALIZATION_ARN"),
    ],
)
def test_a_missing_setting_is_named_where_it_is_needed(name: str, variable: str) -> None:
    """A process that doesn't need it runs without it."""

    with pytest.raises(ValueError, match=f"TAPEDECK_{variable}"):
        getattr(wiring.Ports(Settings()), name)


def told(ports: wiring.Ports, **texts: str) -> wiring.Ports:
    ports.secrets = ports.parameters = FakeTexts(**texts)
    return ports


def test_the_deployment_knows_itself(ports: wiring.Ports) -> None:
    """Its URL, its token keys and its webhook secrets, from a parameter and a secret."""

    secret = json.dumps({"token_keys": ["00ff"], "webhook_secrets": ["whsec_QUJD"]})
    told(ports, public_url_parameter="https://api.example.com/api/", secret_id=secret)

    deployment = ports.deployment()

    assert ("https://api.example.com/api", "sink_url") == (
        deployment.public_url,
        deployment.sink_url,
    )
    assert [b"\x00\xff"] == list(deployment.token_keys)
    assert ["whsec_QUJD"] == ports.webhook_secrets()


def test_a_download_token_opens_for_as_long_as_the_settings_say(ports: wiring.Ports) -> None:
    """The callback of a profile that asks for it carries such a token."""

    told(ports, secret_id=json.dumps({"token_keys": ["00ff"]}))

    token = ports.transitions.download_token(a_recording(), T0)

    assert len(token) > 64


@pytest.mark.parametrize("text", ["PSK_1", '{"signing_key": "PSK_1"}'])
def test_a_signing_key_is_a_text_or_a_field(ports: wiring.Ports, text: str) -> None:
    """As an operator happens to store it."""

    profile = replace(a_profile(), secret_id="tapedeck/main/key")

    secrets = told(ports, **{"tapedeck/main/key": text}).carrier_secrets

    assert "PSK_1" == secrets.of(profile).signing_key


def test_the_operator_s_list_reaches_where_secrets_are_read() -> None:
    """A pair of account and name opens a secret that isn't the account's."""

    listed = read_settings({"TAPEDECK_SHARED_CREDENTIALS": "sales:tapedeck/key"})
    profile = replace(a_profile(), account="sales", secret_id="tapedeck/key")

    secrets = told(wiring.Ports(listed), **{"tapedeck/key": "PSK_1"}).carrier_secrets

    assert "PSK_1" == secrets.of(profile).signing_key


def test_importing_the_app_imports_no_sdk() -> None:
    """What is heavy is imported where it is used."""

    code = (
        "import sys, app; print([m for m in ('boto3', 'cryptography', 'yaml') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=Path(__file__).parents[1],
        env={**os.environ, "PYTHONPATH": "."},
        capture_output=True,
        text=True,
        check=True,
    )

    assert "[]" == done.stdout.strip()


def test_a_task_has_an_agent_in_ecs_only() -> None:
    """Elsewhere there is nothing to protect from."""

    agent = wiring.Ports(Settings(ecs_agent_uri="http://169.254.170.2/api/t")).task_protection

    assert "EcsAgent" == type(agent).__name__
    assert wiring.Ports(Settings()).task_protection is None


def test_rtp_comes_to_the_address_that_is_set(ports: wiring.Ports) -> None:
    """Outside ECS there is no other; in ECS a task that has none set asks for its own."""

    set_ = replace(Settings(), rtp_host="198.51.100.7", ecs_metadata_uri="http://127.0.0.1:9/v4")

    assert "198.51.100.7" == wiring.Ports(set_).rtp_host()
    assert "" == ports.rtp_host()
    with pytest.raises(Unavailable):
        wiring.Ports(replace(set_, rtp_host="")).rtp_host()
