"""A secret belongs to its account, in the deployed stack; `make secrets` lists what is refused."""

from __future__ import annotations

import json
import shlex
import subprocess

import boto3
import pytest

from chalicelib.adapters.dynamodb.accounts import DynamoProfiles
from chalicelib.adapters.dynamodb.table import Table
from infra.local.customer import Customer, make_customer
from infra.local.logs import save_logs
from infra.paths import ROOT
from simulator.hooks import post
from tests.carriers.needed import needs
from tests.carriers.samples import sample
from tests.e2e.stage import SHARED_SECRET, Stage, until
from tests.samples import a_profile

pytestmark = pytest.mark.e2e

needs("bandwidth")

EVENT = sample("bandwidth", "media-stream-started")
REFUSED = "sales/old: 'tapedeck/e2e-old', of account main: REFUSED"
WORKS = f"sales/shared: '{SHARED_SECRET}', of account main: allowed by SharedCredentials"


def made(customer: Customer, name: str, secret: str) -> tuple[int, str]:
    """Make a profile; return the answer's status and an error's code."""
    body = {"name": name, "dialect": "bandwidth", "secret_id": secret}
    status, answer = customer.ask("POST", "/v1/profiles", json.dumps(body).encode())
    return status, answer.get("error", {}).get("code", "")


def make_secrets(stage: Stage) -> tuple[int, list[str]]:
    """Run what the Makefile's target runs; return its exit code and lines."""
    command = ["make", "--no-print-directory", "--dry-run", "secrets"]
    recipe = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    done = subprocess.run(
        shlex.split(recipe.splitlines()[-1]),
        cwd=ROOT,
        env={**stage.aws.environment, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert "" == done.stderr
    return done.returncode, done.stdout.splitlines()


def test_a_secret_belongs_to_an_account(stage: Stage) -> None:
    """Refused when written and when used; listed, shared by the operator, and put right."""

    sales = make_customer(stage.stack, stage.aws.tools.python, "sales")
    client = boto3.client("dynamodb", **stage.aws.client_options)
    rows = DynamoProfiles(Table(client, stage.stack.environment["TAPEDECK_CORE_TABLE"]))
    rows.create(a_profile(account="sales", name="old", secret_id="tapedeck/e2e-old"))

    assert [(400, "secret_refused"), (201, ""), (201, "")] == [
        made(sales, name, secret)
        for name, secret in (
            ("stolen", "tapedeck/e2e-old"),
            ("shared", SHARED_SECRET),
            ("own", "tapedeck/sales/e2e"),
        )
    ]
    code, lines = make_secrets(stage)
    assert (1, [REFUSED, WORKS]) == (code, [line for line in lines if line.startswith("sales/")])

    hook = sales.get("/v1/profiles/old/instructions")["hook_url"]
    event = {**EVENT, "callId": "c-secret-owners"}
    assert 204 == post(hook, event)
    assert until(lambda: counted(stage), 30), "the refusal isn't in the log"

    body = json.dumps({"secret_id": "tapedeck/sales/e2e"}).encode()
    assert 200 == sales.ask("PATCH", "/v1/profiles/old", body)[0]
    assert (0, [WORKS]) == make_secrets(stage)


def counted(stage: Stage) -> bool:
    """Whether a function's log has the figure that the alarm watches."""
    file = stage.folder / "secret-owners.log"
    save_logs(stage.aws.client_options, file)
    return '"RefusedSecrets": 1' in file.read_text()
