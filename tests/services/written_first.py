"""Executions that begin in the moment in which they are started, as they may."""

from __future__ import annotations

from chalicelib.recording import lifecycle
from tests.fake_store import Store
from tests.fakes import FakeWorkflows
from tests.services.core_desk import Desk


class WrittenFirst(FakeWorkflows):
    """Notes what was started, and what was started before a row asks for it: such an execution
    finds nothing to do, and has used up its name."""

    def __init__(self, store: Store | None = None) -> None:
        super().__init__()
        self.store = store or Store()
        self.early: list[str] = []
        """the ids of what began too early"""

    def start_finalization(self, recording_id: str, attempt: int) -> None:
        """Note a finalization."""
        row = self.store.recordings.get(recording_id)
        is_wanted = row is not None and (lifecycle.is_finalizing(row.state) or row.making)
        if row is None or not is_wanted or row.attempt != attempt:
            self.early.append(recording_id)
        super().start_finalization(recording_id, attempt)

    def start_delivery(self, recording_id: str, webhook_id: str, round_: int) -> None:
        """Note a delivery."""
        known = {(row.webhook_id, row.round) for row in self.store.outbox.values()}
        if (webhook_id, round_) not in known:
            self.early.append(webhook_id)
        super().start_delivery(recording_id, webhook_id, round_)


def a_desk() -> tuple[Desk, WrittenFirst]:
    """Return a desk, and the executions that it starts."""
    workflows = WrittenFirst()
    desk = Desk(workflows=workflows)
    workflows.store = desk.core.store
    return desk, workflows
