"""What botocore's errors become."""

from __future__ import annotations

import pytest
from botocore.exceptions import ConnectTimeoutError

from chalicelib.adapters.botocore_errors import translated
from chalicelib.errors import PreconditionFailed, TapedeckError, Unavailable
from tests.adapters.aws_client import fault

CANCELLED = "TransactionCanceledException"


class TestFaults:
    """botocore's errors in our words."""

    @pytest.mark.parametrize(
        ("error", "ours"),
        [
            (fault("ConditionalCheckFailedException"), PreconditionFailed),
            (fault(CANCELLED, "None", "ConditionalCheckFailed"), PreconditionFailed),
            (fault(CANCELLED, "TransactionConflict"), Unavailable),
            (fault("ProvisionedThroughputExceededException"), Unavailable),
            (fault("InternalServerError"), Unavailable),
            (fault("AccessDeniedException"), Unavailable),
            (fault("ValidationException"), TapedeckError),
            (ConnectTimeoutError(endpoint_url="u"), Unavailable),
        ],
    )
    def test_says_whose_fault_it_is(self, error: Exception, ours: type[Exception]) -> None:
        """A lost race, our own mistake, and silence are three things."""

        with pytest.raises(ours) as raised, translated("get"):
            raise error
        assert ours is type(raised.value)
