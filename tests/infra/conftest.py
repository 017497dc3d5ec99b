"""One synthesis for all tests of the templates: it packages the real app."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from aws_cdk import App
from aws_cdk.assertions import Template

from infra.generation_stack import GenerationStack
from infra.recorder_stack import RecorderStack
from infra.settings import read_settings
from infra.sink_stack import SinkStack
from tests.infra.checks.synthesis import synthesize


@dataclass(frozen=True, slots=True, kw_only=True)
class Assembly:
    """What `cdk synth` leaves."""

    folder: Path
    recorder: Template
    sink: Template
    generation: Template
    on_trial: Template

    def asset(self, stack: str, suffix: str, part_of_name: str) -> Path:
        """Return one of a stack's files, by the name of the construct that brings it."""
        manifest = json.loads((self.folder / f"{stack}.assets.json").read_text())
        found = [
            self.folder / entry["source"]["path"]
            for entry in manifest["files"].values()
            if part_of_name in entry["displayName"] and entry["source"]["path"].endswith(suffix)
        ]
        assert len(found) == 1, manifest
        return found[0]


@pytest.fixture(scope="session")
def assembly(tmp_path_factory: pytest.TempPathFactory) -> Assembly:
    """All stacks, synthesized with a domain for the sink and an address for alarms."""
    folder = tmp_path_factory.mktemp("cdk.out")
    app = synthesize(folder)
    trial = _on_trial(app)
    recorder = Template.from_stack(app.node.find_child("RecorderStack"))
    sink = Template.from_stack(app.node.find_child("SinkStack"))
    generation = Template.from_stack(app.node.find_child("SinkGeneration7"))
    on_trial = Template.from_stack(trial)
    app.synth()
    return Assembly(
        folder=folder, recorder=recorder, sink=sink, generation=generation, on_trial=on_trial
    )


def _on_trial(app: App) -> GenerationStack:
    """Put the next generation beside, on trial."""
    recorder, sink = app.node.find_child("RecorderStack"), app.node.find_child("SinkStack")
    assert isinstance(recorder, RecorderStack)
    assert isinstance(sink, SinkStack)
    settings = replace(read_settings(app.node), sink_generation=8, sink_on_trial=True)
    return GenerationStack(app, "OnTrial", settings=settings, recorder=recorder, sink=sink)
