"""The facts about a call that travel from a webhook to the call."""

from __future__ import annotations

from chalicelib.recording.carrier_facts import FACTS, TEXTS, CarrierFacts, facts_of
from tests.samples import a_call


def test_a_call_carries_its_facts() -> None:
    """What a webhook tells is the same value in the call, by the same names."""
    facts = CarrierFacts(node_id="n-1", project_id="p-1", labels={"tag": "vip"})

    told = facts_of(a_call(**facts_of(facts)))

    assert facts == CarrierFacts(**told)
    assert set(FACTS) == {*TEXTS, "labels"} == told.keys()
