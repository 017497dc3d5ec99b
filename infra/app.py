"""The CDK app: `cdk deploy` runs `python -m infra.app`."""

from __future__ import annotations

from aws_cdk import App

from infra.recorder_stack import RecorderStack
from infra.settings import read_settings
from infra.sink_stack import SinkStack


def build(app: App) -> None:
    """Put RecorderStack into the app, and SinkStack where a domain for it is given."""
    settings = read_settings(app.node)
    recorder = RecorderStack(app, "RecorderStack", settings=settings)
    if settings.sink_domain:
        SinkStack(app, "SinkStack", settings=settings, recorder=recorder)


if __name__ == "__main__":
    cdk_app = App()
    build(cdk_app)
    cdk_app.synth()
