"""What RTP ports of workers need, made on first use."""

from __future__ import annotations

import secrets
import time
from functools import cached_property
from typing import TYPE_CHECKING
from uuid import uuid4

from chalicelib.wiring_rows import RowPorts, client, now

if TYPE_CHECKING:
    from chalicelib.services.calls.rtp_endpoints import Endpoints

# ruff: noqa: PLC0415  # adapters are imported where they are made: see wiring.py


class RtpParts(RowPorts):
    """Claims of ports, and the address that they are at."""

    @cached_property
    def endpoints(self) -> Endpoints:
        """What claims RTP ports for calls."""
        from chalicelib.services.calls.rtp_endpoints import Endpoints

        return Endpoints(
            claims=self.port_claims,
            calls=self.calls,
            leases=self.leases,
            mailbox=self.mailbox,
            now=now,
            wait=time.sleep,
            new_id=lambda: str(uuid4()),
            choose=secrets.randbelow,
            newest=self.settings.newest_generation,
        )

    def rtp_host(self) -> str:
        """Return the public IPv4 that RTP comes to: the one that is set, or the task's own."""
        from chalicelib.adapters.aws.ecs import TaskAddress

        uri = self.settings.ecs_metadata_uri
        if self.settings.rtp_host or not uri:
            return self.settings.rtp_host
        return TaskAddress(uri, client("ec2")).public_ipv4()
