"""The CDK app: `cdk deploy` runs `python -m infra.app`."""

from __future__ import annotations

from aws_cdk import App

from infra.generation_stack import GenerationStack
from infra.recorder_stack import RecorderStack
from infra.settings import generation_stack_name, read_settings
from infra.sink_stack import SinkStack


def build(app: App) -> None:
    """Put RecorderStack into the app, and where a domain for it is given SinkStack and one
    generation of workers: the others are stacks of their own, and stay as they are."""
    settings = read_settings(app.node)
    recorder = RecorderStack(app, "RecorderStack", settings=settings)
    if settings.sink_domain:
        sink = SinkStack(app, "SinkStack", settings=settings)
        name = generation_stack_name(settings.sink_generation)
        GenerationStack(app, name, settings=settings, recorder=recorder, sink=sink)


if __name__ == "__main__":
    cdk_app = App()
    build(cdk_app)
    cdk_app.synth()
