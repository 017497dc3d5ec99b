"""The documents: one row per stream dialect that a profile can have."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from chalicelib.carriers.bandwidth import documents as bxml
from chalicelib.carriers.bandwidth import stream
from chalicelib.carriers.contract.document import DocumentDialect
from chalicelib.carriers.signalwire import documents as swml
from chalicelib.carriers.signalwire import tap_stream

ROWS: Mapping[str, DocumentDialect] = MappingProxyType(
    {tap_stream.NAME: swml.DIALECT, stream.NAME: bxml.DIALECT}
)
