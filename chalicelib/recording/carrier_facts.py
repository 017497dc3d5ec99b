"""The facts that carriers' webhooks tell about a call, beside its streams' start and end.

The same facts travel from a webhook's event into the stored report, and from there into the call.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class CarrierFacts:
    """Facts about a call. A text is empty where the carrier says nothing."""

    carrier_call_id: str = ""
    """the carrier's own id of the call; it may differ from the id in the stream's path"""
    node_id: str = ""
    event_channel: str = ""
    carrier_segment_id: str = ""
    project_id: str = ""
    space_id: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    """`tag`, where the call has one"""


FACTS = tuple(one.name for one in fields(CarrierFacts))
TEXTS = tuple(name for name in FACTS if name != "labels")


def facts_of(source: CarrierFacts) -> dict[str, Any]:
    """Return the facts by name, to build another value that carries them."""
    return {name: getattr(source, name) for name in FACTS}
