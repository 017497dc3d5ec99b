"""The API dialects: one row each."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from chalicelib.dialects.apis import bandwidth, signalwire
from chalicelib.dialects.apis.base import ApiDialect

DIALECTS: Mapping[str, ApiDialect] = MappingProxyType(
    {row.carrier: row for row in (signalwire.DIALECT, bandwidth.DIALECT)}
)
"""by carrier; one that isn't here has no API that we ask"""
