"""A carrier: everything that Tapedeck knows of one, in one value."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from chalicelib.carriers.contract.call_api import ApiDialect
from chalicelib.carriers.contract.document import DocumentDialect
from chalicelib.carriers.contract.stream import StreamDialect
from chalicelib.carriers.contract.webhook import WebhookDialect
from chalicelib.carriers.contract.webhook_signature import SignatureHeader


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamFactory:
    """Makes the parsers of one stream dialect."""

    parser: Callable[[Mapping[str, str]], StreamDialect]
    """the path's parameters → one socket's parser. Raises InvalidRequest for parameters that name
    nothing"""
    plays: bool = False
    """its parsers' `play` returns messages: the carrier plays what it is sent"""
    tells_digits: bool = False
    """the dialect sends digits as messages; otherwise they are detected in the sound"""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordingAccess:
    """Where a carrier keeps its own recordings, and how a client signs in there."""

    hosts: tuple[str, ...] = ()
    """suffixes of the carrier's host names: no other host gets its credentials"""
    token_url: str = ""
    """where an OAuth 2 client gets its token; empty: the carrier has no OAuth 2"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Carrier:
    """One carrier; what it doesn't have is empty."""

    name: str
    """as rows, keys and URLs hold it"""
    streams: Mapping[str, StreamFactory]
    """by the name of the stream dialect"""
    webhooks: WebhookDialect
    signature: tuple[SignatureHeader, ...] = ()
    """how its webhooks are signed, the strongest proof first"""
    call_api: ApiDialect | None = None
    documents: Mapping[str, DocumentDialect]
    """by the name of the stream dialect that the document asks for"""
    recordings: RecordingAccess = field(default_factory=RecordingAccess)
