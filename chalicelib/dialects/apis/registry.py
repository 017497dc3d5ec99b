"""The API dialects: one row each."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from chalicelib.carriers.bandwidth import call_api as bandwidth
from chalicelib.carriers.contract.call_api import ApiDialect
from chalicelib.carriers.signalwire import call_api as signalwire

DIALECTS: Mapping[str, ApiDialect] = MappingProxyType(
    {row.carrier: row for row in (signalwire.DIALECT, bandwidth.DIALECT)}
)
"""by carrier; one that isn't here has no API that we ask"""
