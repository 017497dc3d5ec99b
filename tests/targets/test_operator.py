"""What README and docs/how-to/ let an operator type, from `make bootstrap` on."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from infra.local.aws import STACK, local_aws
from infra.paths import BUILD
from infra.settings import generation_stack_name
from tests.infra.test_retire import TEMPLATE
from tests.targets.running import Done
from tests.targets.shell import ANOTHER_REGION, Operator

pytestmark = pytest.mark.e2e

TAGGED = "OPTIONS=-c alarm_email=ops@example.com --tags team=calls"
LOCALLY = "OPTIONS=-c removable=true -c plain_http=true --require-approval never"


@pytest.fixture(scope="module")
def operator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Operator]:
    """Somebody with an empty account."""
    with local_aws(tmp_path_factory.mktemp("aws")) as aws:
        yield Operator(aws=aws, folder=tmp_path_factory.mktemp("operator"))


@pytest.fixture(scope="module")
def bootstrapped(operator: Operator) -> Done:
    """The first command, with options."""
    return operator.make("bootstrap", TAGGED)


@pytest.fixture(scope="module")
def deployed(operator: Operator, bootstrapped: Done) -> Done:
    """The second command; without a sink, whose image needs Docker."""
    operator.allow_plain_http()
    return operator.make("deploy", LOCALLY)


def test_bootstrap_makes_the_toolkit_s_stack(operator: Operator, bootstrapped: Done) -> None:
    """In AWS_REGION, not in the profile's region; options reach the CDK, nothing is packaged."""

    assert 0 == bootstrapped.code, bootstrapped.said
    stack = operator.stacks()["CDKToolkit"]
    assert "CREATE_COMPLETE" == stack["StackStatus"]
    assert [{"Key": "team", "Value": "calls"}] == stack["Tags"]
    assert {} == operator.stacks(ANOTHER_REGION)
    assert "deployment package" not in bootstrapped.said


def test_a_second_bootstrap_is_harmless(operator: Operator, bootstrapped: Done) -> None:
    """It says that there is nothing to change."""

    again = operator.make("bootstrap", TAGGED)

    assert (0, True) == (again.code, "bootstrapped (no changes)" in again.said), again.said


def test_synth_writes_what_deploy_deploys(operator: Operator) -> None:
    """A template for each stack, in .build/cdk.out, by the same options."""
    template = BUILD / "cdk.out" / f"{STACK}.template.json"
    template.unlink(missing_ok=True)

    done = operator.make("synth", "OPTIONS=-c removable=true -c plain_http=true")

    assert 0 == done.code, done.said
    assert "APIHandler" in json.loads(template.read_text())["Resources"]


def test_deploy_deploys_the_recorder(operator: Operator, deployed: Done) -> None:
    """Without a domain for the sink only the API's side, in the same region."""

    assert 0 == deployed.code, deployed.said
    assert {"CDKToolkit", STACK} == set(operator.stacks())
    assert "CREATE_COMPLETE" == operator.stacks()[STACK]["StackStatus"]
    assert {} == operator.stacks(ANOTHER_REGION)


def test_key_makes_lists_and_revokes_keys(operator: Operator, deployed: Done) -> None:
    """The key that is printed opens the deployed API until it is revoked; the list has its id."""

    made = operator.make("key", "ARGS=create --account main")
    assert 0 == made.code, made.said
    (key,) = made.printed
    key_id = key.split("_")[1]
    assert 200 == operator.ask(key)

    listed = operator.make("key", "ARGS=list")
    assert [key_id] == [line.split()[0] for line in listed.printed]
    assert listed.printed == operator.make("key").printed

    revoked = operator.make("key", f"ARGS=revoke {key_id}")
    assert (0, [f"{key_id} is revoked"]) == (revoked.code, revoked.printed)
    assert 401 == operator.ask(key)


def test_secrets_finds_nothing_refused(operator: Operator, deployed: Done) -> None:
    """Where no profile names another account's secret, it says so and ends well."""

    done = operator.make("secrets")

    assert 0 == done.code, done.said


def test_retire_removes_a_generation_without_calls(operator: Operator, deployed: Done) -> None:
    """It refuses where nobody else would take calls; `make workers` shows who would."""
    old, nobody = generation_stack_name(1), operator.make("workers")
    client = operator.client("cloudformation")
    if old in operator.stacks():  # left by a first try
        client.delete_stack(StackName=old)
    client.create_stack(StackName=old, TemplateBody=json.dumps(TEMPLATE))

    refused = operator.make("retire", "GENERATION=1")

    assert (0, []) == (nobody.code, nobody.printed), nobody.said
    assert (2, True) == (refused.code, "is alive to take its calls" in refused.said), refused.said
    assert old in operator.stacks()
    with operator.worker(generation=2):
        (worker,) = operator.make("workers").printed
        done = operator.make("retire", "GENERATION=1")
    assert 0 == done.code, done.said
    assert worker.startswith("generation 2  ")
    assert worker.endswith("  0 calls  0 RTP ports")
    assert old not in operator.stacks()


def test_retire_asks_which_generation(operator: Operator) -> None:
    """None is meant by leaving it out."""

    done = operator.make("retire")

    assert (2, True) == (done.code, "make retire GENERATION=1" in done.said)
