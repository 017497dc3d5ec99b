"""What AWS asks for a request: list prices of us-east-1, on demand, without a free tier."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

AS_OF = "2026-06"
"""the month in which these were AWS's published prices"""

_MILLION = 1e6

S3_WRITE = "S3 put, list"
S3_READ = "S3 get, head"
WRITE_UNIT = "DynamoDB write unit"
READ_UNIT = "DynamoDB read unit"
TRANSITION = "Step Functions transition"
LCU = "load balancer GB"
API_REQUEST = "API Gateway request"
INVOCATION = "Lambda invocation"
GB_SECOND = "Lambda GB-second"
EVENT = "EventBridge event"
SIGNATURE = "KMS asymmetric request"
STORED_GB_MONTH = "S3 GB-month"

USD: Mapping[str, float] = MappingProxyType(
    {
        S3_WRITE: 5.00 / _MILLION,
        S3_READ: 0.40 / _MILLION,
        WRITE_UNIT: 0.625 / _MILLION,
        READ_UNIT: 0.125 / _MILLION,
        TRANSITION: 25.00 / _MILLION,
        LCU: 0.008,
        API_REQUEST: 3.50 / _MILLION,
        INVOCATION: 0.20 / _MILLION,
        GB_SECOND: 16.6667 / _MILLION,
        EVENT: 1.00 / _MILLION,
        SIGNATURE: 15.00 / _MILLION,
        STORED_GB_MONTH: 0.023,
    }
)
"""US dollars for one. Of the load balancer's four dimensions the bytes are our largest: a GB an
hour is one LCU. DELETE is free. KMS signs with an ECC key; the bucket's own key is asked for once
in a while, not for each object."""
