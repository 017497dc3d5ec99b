"""What PortClaims promises, in memory and as a table."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from chalicelib.capture.events import Encoding
from chalicelib.errors import PreconditionFailed
from chalicelib.recording.model import CallRef, Direction
from chalicelib.recording.rtp_endpoint import EndpointOptions, PortClaim
from tests.samples import CALL, T0, later

CLAIM = PortClaim(
    claim_id="claim-1",
    worker="w-1",
    host="198.51.100.7",
    port=20_002,
    call=CALL,
    profile="front",
    control_id="rtp-listen",
    options=EndpointOptions(direction=Direction.LISTEN, codec=Encoding.PCMA),
    claimed_at=T0,
)
OTHER_CALL = CallRef(account="main", carrier="bandwidth", call_id="c-2")


class TestPortClaims:
    """The port PortClaims."""

    def test_a_claim_is_found_by_its_port_and_by_its_call(self, core: Any) -> None:
        """Under no other port, and no other control id."""

        core.port_claims.claim(CLAIM)

        assert CLAIM == core.port_claims.at(CLAIM.host, CLAIM.port)
        assert [CLAIM] == core.port_claims.of_call(CALL.key)
        assert core.port_claims.at(CLAIM.host, 20_004) is None
        assert [] == core.port_claims.of_call(OTHER_CALL.key)

    @pytest.mark.parametrize(
        "changed",
        [{"call": OTHER_CALL}, {"control_id": "other"}, {"port": 20_004}, {"host": "198.51.100.8"}],
    )
    def test_a_port_and_a_control_id_are_claimed_once(
        self, core: Any, changed: dict[str, Any]
    ) -> None:
        """The second claim of either fails, and writes nothing."""

        core.port_claims.claim(CLAIM)
        second = replace(CLAIM, claim_id="claim-2", **changed)

        with pytest.raises(PreconditionFailed):
            core.port_claims.claim(second)

        assert [CLAIM] == core.port_claims.of_call(CALL.key)
        if "port" in changed or "host" in changed:
            assert core.port_claims.at(second.host, second.port) is None

    def test_a_call_has_a_port_for_each_control_id(self, core: Any) -> None:
        """All of them are read at once."""

        other = replace(CLAIM, claim_id="claim-2", port=20_004, control_id="rtp-speak")
        for claim in (CLAIM, other):
            core.port_claims.claim(claim)

        found = core.port_claims.of_call(CALL.key)

        assert [CLAIM, other] == sorted(found, key=lambda claim: claim.port)

    def test_an_expired_claim_is_none(self, core: Any) -> None:
        """What its worker never released can be claimed after 13 hours."""

        core.port_claims.claim(CLAIM)
        second = replace(CLAIM, claim_id="claim-2", claimed_at=later(13 * 3600 + 1))

        core.port_claims.claim(second)

        assert [second] == core.port_claims.of_call(CALL.key)

    def test_a_port_that_is_heard_says_so(self, core: Any) -> None:
        """Only while the claim is the same."""

        core.port_claims.claim(CLAIM)

        core.port_claims.open(CLAIM)

        assert replace(CLAIM, is_open=True) == core.port_claims.at(CLAIM.host, CLAIM.port)
        with pytest.raises(PreconditionFailed):
            core.port_claims.open(replace(CLAIM, claim_id="claim-2"))

    def test_what_is_released_can_be_claimed(self, core: Any) -> None:
        """A release is repeated at will, and never frees another's port."""

        core.port_claims.claim(CLAIM)
        core.port_claims.release(CLAIM)
        core.port_claims.release(CLAIM)
        second = replace(CLAIM, claim_id="claim-2")
        core.port_claims.claim(second)

        core.port_claims.release(CLAIM)

        assert [second] == core.port_claims.of_call(CALL.key)
