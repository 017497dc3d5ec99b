"""Whether a URL that we were given may be called: pure judgement of texts and addresses.

The law: a URL is refused unless every rule lets it through, and a name proves nothing; the address
that was connected to is checked as well (`judge_address`). Nothing is repaired: what two parsers
could read in two ways is refused, and what this parser read is what the sender must use.

Sources: OWASP's cheat sheet on server-side request forgery, Stripe's smokescreen, the IANA
special-purpose address registries, RFC 3986 (URLs), RFC 1123 (names), RFC 5952 (IPv6 text).

By hand: there is no kept package for Python that checks the connected address as well.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_network,
)

from chalicelib.errors import UrlRefused

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

MAX_LENGTH = 2_048
"""characters; as Svix and most proxies"""

USUAL_PORTS = frozenset({80, 443, 8080, 8443})
LEAST_RTP_PORT = 1_024

DENIED_NETWORKS: tuple[Network, ...] = tuple(
    ip_network(text)
    for text in (
        "0.0.0.0/8",  # this network
        "10.0.0.0/8",  # private
        "100.64.0.0/10",  # carrier-grade NAT
        "127.0.0.0/8",  # loopback: inside Lambda its runtime API
        "169.254.0.0/16",  # link-local: inside Fargate it hands out credentials
        "172.16.0.0/12",  # private
        "192.0.0.0/24",  # protocol assignments
        "192.0.2.0/24",  # documentation
        "192.88.99.0/24",  # 6to4 relays
        "192.168.0.0/16",  # private
        "198.18.0.0/15",  # benchmarking
        "198.51.100.0/24",  # documentation
        "203.0.113.0/24",  # documentation
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, broadcast
        "::/128",  # unspecified
        "::1/128",  # loopback
        "::/96",  # IPv4-compatible
        "::ffff:0:0:0/96",  # IPv4-translated
        "64:ff9b::/96",  # NAT64
        "64:ff9b:1::/48",  # NAT64, local use
        "100::/64",  # discard
        "2001::/32",  # Teredo
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4
        "3fff::/20",  # documentation
        "5f00::/16",  # segment routing
        "fc00::/7",  # unique local
        "fe80::/10",  # link-local
        "fec0::/10",  # site-local
        "ff00::/8",  # multicast
    )
)
"""`ipaddress.is_global` misjudges a third of these; IPv4-mapped IPv6 is checked as IPv4 instead."""


class Purpose(StrEnum):
    """The purpose of a URL: decides its schemes; the value names it in messages."""

    STATUS_URL = "status_url"
    TAP_URI = "uri"
    CARRIER_RECORDING = "recording_url"


class Rule(StrEnum):
    """The rule that said no; a stable word in messages and rows."""

    LENGTH = "length"
    CHARACTER = "character"
    SYNTAX = "syntax"
    SCHEME = "scheme"
    USERINFO = "userinfo"
    HOST = "host"
    PORT = "port"
    ADDRESS = "address"


@dataclass(frozen=True, slots=True, kw_only=True)
class UrlPolicy:
    """The URLs that this deployment allows beyond https to public addresses on the usual ports."""

    http_allowed: bool = False
    ports: frozenset[int] | None = USUAL_PORTS
    """None: any; rtp has its own rule"""
    allowed_networks: tuple[Network, ...] = ()
    """let through although denied (a local run's loopback, a VPC's receivers)"""


STRICT = UrlPolicy()


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardedUrl:
    """A URL that passed; its parts are what must be connected to and asked for."""

    scheme: str
    host: str
    """a lower-case DNS name, or an IP literal without brackets"""
    address: Address | None
    """where the host is a literal: already checked"""
    port: int
    target: str
    """path and query, never empty; the fragment is gone"""

    @property
    def authority(self) -> str:
        """Return the value of the Host header."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        is_default = self.port == _DEFAULT_PORTS.get(self.scheme)
        return host if is_default else f"{host}:{self.port}"


_DEFAULT_PORTS = {"http": 80, "https": 443, "ws": 80, "wss": 443}
_WEB_SCHEMES = frozenset({"http", "https"})
_SCHEMES = {
    Purpose.STATUS_URL: _WEB_SCHEMES,
    Purpose.TAP_URI: frozenset({"ws", "wss", "rtp"}),
    Purpose.CARRIER_RECORDING: _WEB_SCHEMES,
}

# The characters of RFC 3986. Spaces, controls, backslashes and everything beyond ASCII (fullwidth
# digits, homographs) fall outside; an international name comes as its `xn--` form.
_CHARACTERS = re.compile(r"[A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=%]*")
_URL = re.compile(r"([A-Za-z][A-Za-z0-9+.\-]*)://([^/?#]*)([^?#]*)(\?[^#]*)?(?:#.*)?")
_AUTHORITY = re.compile(r"(\[[^\[\]]*\]|[^:\[\]]*)(?::(.*))?")
_PORT = re.compile(r"[1-9][0-9]{0,4}")
_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9\-]{0,61}[a-z0-9])?")
_NUMERIC_LABEL = re.compile(r"[0-9]+|0x[0-9a-f]*")


def parse_url(text: str, policy: UrlPolicy, purpose: Purpose) -> GuardedUrl:
    """Return the parts of a URL that may be called.

    Raises UrlRefused, whose message names the purpose and the rule, never the URL.
    """
    scheme, authority, path, query = _split(text, purpose)
    _judge_scheme(scheme, policy, purpose)
    if "@" in authority:
        raise _refused(purpose, Rule.USERINFO, "a user or password before the host")
    match = _AUTHORITY.fullmatch(authority)
    if match is None:
        raise _refused(purpose, Rule.HOST, "the host can't be told from the port")
    host, address = _parse_host(match[1].lower(), purpose)
    if address is not None:
        judge_address(address, policy, purpose)
    return GuardedUrl(
        scheme=scheme,
        host=host,
        address=address,
        port=_parse_port(match[2], scheme, policy, purpose),
        target=(path or "/") + query,
    )


def judge_address(address: Address, policy: UrlPolicy, purpose: Purpose) -> None:
    """Raise UrlRefused unless this address may be connected to."""
    checked = _unmapped(address)
    if any(checked in network for network in policy.allowed_networks):
        return
    if any(checked in network for network in DENIED_NETWORKS):
        raise _refused(purpose, Rule.ADDRESS, f"{address} isn't a public address")


def _split(text: str, purpose: Purpose) -> tuple[str, str, str, str]:
    """Return scheme, authority, path and query of a text that has only a URL's characters."""
    if len(text) > MAX_LENGTH:
        raise _refused(purpose, Rule.LENGTH, f"{len(text)} characters, at most {MAX_LENGTH}")
    if _CHARACTERS.fullmatch(text) is None:
        raise _refused(purpose, Rule.CHARACTER, "a character that no URL may hold")
    match = _URL.fullmatch(text)
    if match is None:
        raise _refused(purpose, Rule.SYNTAX, "not of the form scheme://host/path")
    return match[1].lower(), match[2], match[3], match[4] or ""


def _judge_scheme(scheme: str, policy: UrlPolicy, purpose: Purpose) -> None:
    if scheme not in _SCHEMES[purpose]:
        wanted = ", ".join(sorted(_SCHEMES[purpose]))
        raise _refused(purpose, Rule.SCHEME, f"{scheme} isn't among {wanted}")
    if scheme == "http" and not policy.http_allowed:
        raise _refused(purpose, Rule.SCHEME, "http isn't allowed here, https is")


def _parse_port(text: str | None, scheme: str, policy: UrlPolicy, purpose: Purpose) -> int:
    if text is None:
        if scheme not in _DEFAULT_PORTS:
            raise _refused(purpose, Rule.PORT, f"{scheme} needs a port")
        port = _DEFAULT_PORTS[scheme]
    elif _PORT.fullmatch(text) is None or int(text) > 65_535:
        raise _refused(purpose, Rule.PORT, "not a number from 1 to 65535")
    else:
        port = int(text)
    if not _is_port_allowed(port, scheme, policy):
        raise _refused(purpose, Rule.PORT, f"{port} isn't allowed here")
    return port


def _is_port_allowed(port: int, scheme: str, policy: UrlPolicy) -> bool:
    if scheme == "rtp":
        return port >= LEAST_RTP_PORT
    return policy.ports is None or port in policy.ports


def _parse_host(text: str, purpose: Purpose) -> tuple[str, Address | None]:
    """Return the host as a name, or as a literal with its address."""
    if text.startswith("["):
        return text[1:-1], _parse_ipv6(text[1:-1], purpose)
    labels = text.split(".")
    if _NUMERIC_LABEL.fullmatch(labels[-1]):
        # Whatever ends in a number is an IPv4 address to some parser (WHATWG URL, inet_aton).
        return text, _parse_ipv4(text, purpose)
    if len(labels) < 2 or len(text) > 253 or not all(map(_LABEL.fullmatch, labels)):
        raise _refused(purpose, Rule.HOST, "not a dotted DNS name or an IP address")
    if labels[-1] == "localhost":
        raise _refused(purpose, Rule.HOST, "a name of this machine")
    return text, None


def _parse_ipv4(text: str, purpose: Purpose) -> IPv4Address:
    try:
        return IPv4Address(text)
    except ValueError:
        raise _refused(purpose, Rule.HOST, "not a canonical IPv4 address") from None


def _parse_ipv6(text: str, purpose: Purpose) -> IPv6Address:
    try:
        address = IPv6Address(text)
    except ValueError:
        raise _refused(purpose, Rule.HOST, "not an IPv6 address") from None
    if address.scope_id is not None or text not in _canonical_texts(address):
        raise _refused(purpose, Rule.HOST, "not a canonical IPv6 address")
    return address


def _canonical_texts(address: IPv6Address) -> tuple[str, ...]:
    mapped = address.ipv4_mapped
    if mapped is None:
        return (str(address),)
    # Python's own text of a mapped address changed in 3.13; RFC 5952 recommends the dotted one.
    number = int(mapped)
    return f"::ffff:{mapped}", f"::ffff:{number >> 16:x}:{number & 0xFFFF:x}"


def _unmapped(address: Address) -> Address:
    """Return the IPv4 address that an IPv4-mapped IPv6 address stands for, else the address."""
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address


def _refused(purpose: Purpose, rule: Rule, fact: str) -> UrlRefused:
    return UrlRefused(f"{purpose} refused ({rule}): {fact}", key=str(purpose))
