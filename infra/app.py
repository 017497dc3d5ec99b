"""The CDK app: `cdk deploy` runs `python -m infra.app`."""

from __future__ import annotations

from aws_cdk import App

from infra.recorder_stack import RecorderStack
from infra.settings import read_settings

app = App()
settings = read_settings(app.node)
RecorderStack(app, "RecorderStack", settings=settings)
app.synth()
