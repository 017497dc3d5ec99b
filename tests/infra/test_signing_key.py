"""Who may sign, and with what."""

from __future__ import annotations

import json

from aws_cdk.assertions import Match

from tests.infra.conftest import Assembly
from tests.infra.test_recorder_stack import statements


def test_publish_alone_signs(assembly: Assembly) -> None:
    """With a key on P-256 that stays when the stack goes; of recordings it puts proofs only."""
    signers = [
        name.partition("DefaultPolicy")[0]
        for stack in (assembly.recorder, assembly.sink, assembly.generation)
        for name, policy in stack.find_resources("AWS::IAM::Policy").items()
        if '"kms:Sign"' in json.dumps(policy)
    ]
    puts = [one for one in statements(assembly, "Publish") if '"s3:PutObject"' in json.dumps(one)]

    assert ["PublishAccess"] == signers
    assert [True] == [json.dumps(one["Resource"]).count("/proof.json") == 1 for one in puts]
    assembly.recorder.has_resource(
        "AWS::KMS::Key",
        {
            "DeletionPolicy": "Retain",
            "Properties": Match.object_like(
                {"KeySpec": "ECC_NIST_P256", "KeyUsage": "SIGN_VERIFY"}
            ),
        },
    )
