"""The documents: one row per stream dialect that a profile can have."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from chalicelib.dialects.documents import bxml, swml
from chalicelib.dialects.documents.base import DocumentDialect
from chalicelib.dialects.streams import bandwidth, signalwire_tap

ROWS: Mapping[str, DocumentDialect] = MappingProxyType(
    {signalwire_tap.NAME: swml.DIALECT, bandwidth.NAME: bxml.DIALECT}
)
