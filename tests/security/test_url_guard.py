"""The URL guard: every vector is a URL that somebody could give us, with the rule that stops it."""

from __future__ import annotations

from ipaddress import ip_address, ip_network

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from chalicelib.errors import UrlRefused
from chalicelib.security.url_guard import (
    DENIED_NETWORKS,
    STRICT,
    GuardedUrl,
    Purpose,
    Rule,
    UrlPolicy,
    judge_address,
    parse_url,
)

HTTP = UrlPolicy(http_allowed=True)
LOCAL = UrlPolicy(
    http_allowed=True,
    ports=None,
    allowed_networks=(ip_network("127.0.0.0/8"), ip_network("::1/128")),
)
VPC = UrlPolicy(allowed_networks=(ip_network("10.1.0.0/16"), ip_network("fd00:1::/32")))


def rule_against(
    url: str, policy: UrlPolicy = HTTP, purpose: Purpose = Purpose.STATUS_URL
) -> str | None:
    """Return the rule that refuses, None where the URL passes."""
    try:
        parse_url(url, policy, purpose)
    except UrlRefused as refused:
        return refused.message.split("(")[1].split(")")[0]
    return None


REFUSED = [
    # length
    ("https://example.com/" + "a" * 2_029, Rule.LENGTH),
    # characters
    ("", Rule.SYNTAX),
    (" https://example.com/", Rule.CHARACTER),
    ("https://example.com/ ", Rule.CHARACTER),
    ("https://example.com/a b", Rule.CHARACTER),
    ("https://example.com/\n", Rule.CHARACTER),
    ("https://example.com/\r\nHost: evil.example", Rule.CHARACTER),
    ("https://exa\tmple.com/", Rule.CHARACTER),
    ("https://example.com/\x00", Rule.CHARACTER),
    ("https://example.com\x00.evil.example/", Rule.CHARACTER),
    ("https://example.com/\x7f", Rule.CHARACTER),
    ("https://example.com/\x85", Rule.CHARACTER),
    ("https://example.com\\@evil.example/", Rule.CHARACTER),
    ("https:\\\\example.com/", Rule.CHARACTER),
    ("https://example.com/\\..\\", Rule.CHARACTER),
    ("https://bücher.example/", Rule.CHARACTER),
    ("https://example。com/", Rule.CHARACTER),
    ("https://①②⑦.0.0.1/", Rule.CHARACTER),
    ("https://１２７.０.０.１/", Rule.CHARACTER),
    ("https://127。0。0。1/", Rule.CHARACTER),
    ("https://ⓛⓞⓒⓐⓛⓗⓞⓢⓣ/", Rule.CHARACTER),
    ("https://еxample.com/", Rule.CHARACTER),
    ("https://exam\u00adple.com/", Rule.CHARACTER),
    ("https://exam\u200dple.com/", Rule.CHARACTER),
    ("https://example.com\u2044@evil.example/", Rule.CHARACTER),
    ("https://example.com/\ud800", Rule.CHARACTER),
    ("https://example.com/${call_id}", Rule.CHARACTER),
    ("https://<host>/", Rule.CHARACTER),
    # syntax
    ("example.com", Rule.SYNTAX),
    ("//example.com/", Rule.SYNTAX),
    ("https:/example.com/", Rule.SYNTAX),
    ("https:example.com", Rule.SYNTAX),
    ("://example.com/", Rule.SYNTAX),
    ("1https://example.com/", Rule.SYNTAX),
    ("javascript:alert(1)", Rule.SYNTAX),
    ("data:text/plain,hello", Rule.SYNTAX),
    ("mailto:someone@example.com", Rule.SYNTAX),
    # scheme
    ("ftp://example.com/", Rule.SCHEME),
    ("file:///etc/passwd", Rule.SCHEME),
    ("gopher://example.com:80/_GET", Rule.SCHEME),
    ("dict://example.com:80/", Rule.SCHEME),
    ("ldap://example.com:80/", Rule.SCHEME),
    ("unix:///var/run/docker.sock", Rule.SCHEME),
    ("ws://example.com/", Rule.SCHEME),
    ("rtp://192.0.32.8:5004", Rule.SCHEME),
    ("https+unix://example.com/", Rule.SCHEME),
    ("view-source:https://example.com/", Rule.SYNTAX),
    # user and password
    ("https://user@example.com/", Rule.USERINFO),
    ("https://user:password@example.com/", Rule.USERINFO),
    ("https://@example.com/", Rule.USERINFO),
    ("https://:@example.com/", Rule.USERINFO),
    ("https://example.com@127.0.0.1/", Rule.USERINFO),
    ("https://example.com:443@127.0.0.1/", Rule.USERINFO),
    ("https://example.com%40@127.0.0.1/", Rule.USERINFO),
    ("https://127.0.0.1@example.com@evil.example/", Rule.USERINFO),
    # host
    ("https:///path", Rule.HOST),
    ("https://", Rule.HOST),
    ("https://:443/", Rule.HOST),
    ("https://?query", Rule.HOST),
    ("https://#@example.com/", Rule.HOST),
    ("https://localhost/", Rule.HOST),
    ("https://LOCALHOST/", Rule.HOST),
    ("https://localhost:8080/", Rule.HOST),
    ("https://localhost./", Rule.HOST),
    ("https://app.localhost/", Rule.HOST),
    ("https://metadata/", Rule.HOST),
    ("https://ip6-loopback/", Rule.HOST),
    ("https://example/", Rule.HOST),
    ("https://example.com./", Rule.HOST),
    ("https://.example.com/", Rule.HOST),
    ("https://example..com/", Rule.HOST),
    ("https://./", Rule.HOST),
    ("https://../", Rule.HOST),
    ("https://-example.com/", Rule.HOST),
    ("https://example-.com/", Rule.HOST),
    ("https://exam_ple.com/", Rule.HOST),
    ("https://exam%70le.com/", Rule.HOST),
    ("https://example.com%00.evil.example/", Rule.HOST),
    ("https://example.com%2f@evil.example/", Rule.USERINFO),
    ("https://example.com,evil.example/", Rule.HOST),
    ("https://example.com;evil.example/", Rule.HOST),
    ("https://*.example.com/", Rule.HOST),
    (f"https://{'a' * 64}.com/", Rule.HOST),
    (f"https://{'a.' * 126}aa/", Rule.HOST),
    # IPv4 that only some parsers call IPv4
    ("https://2130706433/", Rule.HOST),
    ("https://0x7f000001/", Rule.HOST),
    ("https://0X7F000001/", Rule.HOST),
    ("https://017700000001/", Rule.HOST),
    ("https://127.1/", Rule.HOST),
    ("https://127.0.1/", Rule.HOST),
    ("https://0x7f.1/", Rule.HOST),
    ("https://0x7f.0x0.0x0.0x1/", Rule.HOST),
    ("https://0177.0.0.1/", Rule.HOST),
    ("https://0177.0.0.01/", Rule.HOST),
    ("https://127.0.0.01/", Rule.HOST),
    ("https://127.0.0.0x1/", Rule.HOST),
    ("https://127.0.0.1./", Rule.HOST),
    ("https://127.0.0.256/", Rule.HOST),
    ("https://127.0.0.1.1/", Rule.HOST),
    ("https://0/", Rule.HOST),
    ("https://0x/", Rule.HOST),
    ("https://8.8.8.08/", Rule.HOST),
    ("https://1.1.1/", Rule.HOST),
    ("https://%31%32%37.0.0.1/", Rule.HOST),
    ("https://example.com.1/", Rule.HOST),
    # brackets, zones
    ("https://[/", Rule.HOST),
    ("https://]/", Rule.HOST),
    ("https://[]/", Rule.HOST),
    ("https://[::1/", Rule.HOST),
    ("https://::1]/", Rule.HOST),
    ("https://::1/", Rule.HOST),
    ("https://[[::1]]/", Rule.HOST),
    ("https://[::1]evil.example/", Rule.HOST),
    ("https://evil.example[::1]/", Rule.HOST),
    ("https://[127.0.0.1]/", Rule.HOST),
    ("https://[example.com]/", Rule.HOST),
    ("https://[2606:4700::1111%25eth0]/", Rule.HOST),
    ("https://[2606:4700::1111%eth0]/", Rule.HOST),
    ("https://[fe80::1%25lo]/", Rule.HOST),
    ("https://[v1.2606]/", Rule.HOST),
    ("https://[0:0:0:0:0:0:0:1]/", Rule.HOST),
    ("https://[::01]/", Rule.HOST),
    ("https://[2606:4700:0::1111]/", Rule.HOST),
    ("https://[2606:4700:0000::1111]/", Rule.HOST),
    ("https://[::ffff:8.8.8.08]/", Rule.HOST),
    ("https://[0:0:0:0:0:ffff:8.8.8.8]/", Rule.HOST),
    # port
    ("https://example.com:/", Rule.PORT),
    ("https://example.com:0/", Rule.PORT),
    ("https://example.com:00443/", Rule.PORT),
    ("https://example.com:+443/", Rule.PORT),
    ("https://example.com:-1/", Rule.PORT),
    ("https://example.com:65536/", Rule.PORT),
    ("https://example.com:4430000000/", Rule.PORT),
    ("https://example.com:0x1bb/", Rule.PORT),
    ("https://example.com:443:443/", Rule.PORT),
    ("https://example.com:443a/", Rule.PORT),
    ("https://example.com:22/", Rule.PORT),
    ("https://example.com:25/", Rule.PORT),
    ("https://example.com:6379/", Rule.PORT),
    ("https://example.com:9001/", Rule.PORT),
    ("https://[2606:4700::1111]:22/", Rule.PORT),
    # literal addresses
    ("https://127.0.0.1/", Rule.ADDRESS),
    ("http://127.0.0.1:8080/", Rule.ADDRESS),
    ("https://127.255.255.254/", Rule.ADDRESS),
    ("https://169.254.169.254/latest/meta-data/", Rule.ADDRESS),
    ("https://169.254.170.2/v2/credentials/", Rule.ADDRESS),
    ("https://10.0.0.1/", Rule.ADDRESS),
    ("https://172.31.255.255/", Rule.ADDRESS),
    ("https://192.168.1.1/", Rule.ADDRESS),
    ("https://0.0.0.0/", Rule.ADDRESS),
    ("https://255.255.255.255/", Rule.ADDRESS),
    ("https://[::1]/", Rule.ADDRESS),
    ("https://[::]/", Rule.ADDRESS),
    ("https://[::ffff:127.0.0.1]/", Rule.ADDRESS),
    ("https://[::ffff:7f00:1]/", Rule.ADDRESS),
    ("https://[::FFFF:169.254.169.254]/", Rule.ADDRESS),
    ("https://[::7f00:1]/", Rule.ADDRESS),
    ("https://[64:ff9b::7f00:1]/", Rule.ADDRESS),
    ("https://[2002:7f00:1::]/", Rule.ADDRESS),
    ("https://[fd00:ec2::254]/", Rule.ADDRESS),
    ("https://[fe80::1]/", Rule.ADDRESS),
]

DENIED_ENDS = sorted(
    {str(end) for network in DENIED_NETWORKS for end in (network[0], network[-1])}
    | {f"::ffff:{network[0]}" for network in DENIED_NETWORKS if network.version == 4}
)
"""the first and the last address of every denied network, and the IPv4 ones as IPv6 writes them"""


@pytest.mark.parametrize("address", DENIED_ENDS)
def test_refuses_every_denied_network_as_a_literal(address: str) -> None:
    """No denied address passes as the host of a URL, for whatever purpose it is."""

    host = f"[{address}]" if ":" in address else address

    assert [str(Rule.ADDRESS)] * 3 == [
        rule_against(f"https://{host}/", STRICT, Purpose.STATUS_URL),
        rule_against(f"https://{host}/", STRICT, Purpose.CARRIER_RECORDING),
        rule_against(f"wss://{host}/", STRICT, Purpose.TAP_URI),
    ]


@pytest.mark.parametrize(("url", "rule"), REFUSED)
def test_refuses(url: str, rule: Rule) -> None:
    """A URL that could lead elsewhere than it seems is refused, by the rule that says so."""

    assert str(rule) == rule_against(url)


PASSED = [
    ("https://example.com/" + "a" * 2_028, "https", "example.com", 443, "/" + "a" * 2_028),
    ("https://example.com", "https", "example.com", 443, "/"),
    ("https://example.com/", "https", "example.com", 443, "/"),
    ("HTTPS://EXAMPLE.COM/Path", "https", "example.com", 443, "/Path"),
    ("https://example.com:443/", "https", "example.com", 443, "/"),
    ("https://example.com:80/", "https", "example.com", 80, "/"),
    ("https://example.com:8443/status", "https", "example.com", 8443, "/status"),
    ("http://example.com:8080/status", "http", "example.com", 8080, "/status"),
    ("http://example.com", "http", "example.com", 80, "/"),
    ("https://example.com?a=b", "https", "example.com", 443, "/?a=b"),
    ("https://example.com/a?b=c&d=//e@f", "https", "example.com", 443, "/a?b=c&d=//e@f"),
    ("https://example.com/a#fragment", "https", "example.com", 443, "/a"),
    ("https://example.com#@evil.example/", "https", "example.com", 443, "/"),
    ("https://example.com//evil.example/", "https", "example.com", 443, "//evil.example/"),
    ("https://example.com/@evil.example", "https", "example.com", 443, "/@evil.example"),
    ("https://example.com/%0d%0aHost:%20x", "https", "example.com", 443, "/%0d%0aHost:%20x"),
    ("https://example.com/a[]=1", "https", "example.com", 443, "/a[]=1"),
    ("https://xn--bcher-kva.example/", "https", "xn--bcher-kva.example", 443, "/"),
    ("https://127.0.0.1.nip.example/", "https", "127.0.0.1.nip.example", 443, "/"),
    ("https://0x7f.example/", "https", "0x7f.example", 443, "/"),
    ("https://1.1.1.1/", "https", "1.1.1.1", 443, "/"),
    ("https://[2606:4700::1111]/", "https", "2606:4700::1111", 443, "/"),
    ("https://[2606:4700::ABCD]:8443/", "https", "2606:4700::abcd", 8443, "/"),
    ("https://[::ffff:8.8.8.8]/", "https", "::ffff:8.8.8.8", 443, "/"),
    ("https://[::ffff:808:808]/", "https", "::ffff:808:808", 443, "/"),
]


@pytest.mark.parametrize(("url", "scheme", "host", "port", "target"), PASSED)
def test_reads_the_parts_that_will_be_used(
    url: str, scheme: str, host: str, port: int, target: str
) -> None:
    """A URL that passes comes apart in one way, and the sender uses these parts."""

    guarded = parse_url(url, HTTP, Purpose.STATUS_URL)

    assert (scheme, host, port, target) == (
        guarded.scheme,
        guarded.host,
        guarded.port,
        guarded.target,
    )


def test_counts_at_least_120_vectors() -> None:
    """The tables hold what is promised, those that pass and the policies not counted."""

    assert len({url for url, _ in REFUSED}) >= 120
    assert len(DENIED_ENDS) >= 2 * (len(DENIED_NETWORKS) - 2)


OTHER_POLICIES = [
    ("http://example.com/", STRICT, Purpose.STATUS_URL, Rule.SCHEME),
    ("https://example.com/", STRICT, Purpose.STATUS_URL, None),
    ("http://127.0.0.1:34567/hook", LOCAL, Purpose.STATUS_URL, None),
    ("http://127.8.9.10:1/hook", LOCAL, Purpose.STATUS_URL, None),
    ("http://[::1]:34567/hook", LOCAL, Purpose.STATUS_URL, None),
    ("http://[::ffff:127.0.0.1]:34567/", LOCAL, Purpose.STATUS_URL, None),
    ("http://localhost:34567/hook", LOCAL, Purpose.STATUS_URL, Rule.HOST),
    ("http://127.1:34567/hook", LOCAL, Purpose.STATUS_URL, Rule.HOST),
    ("http://169.254.170.2:34567/", LOCAL, Purpose.STATUS_URL, Rule.ADDRESS),
    ("http://10.0.0.1:34567/", LOCAL, Purpose.STATUS_URL, Rule.ADDRESS),
    ("https://10.1.2.3/", VPC, Purpose.STATUS_URL, None),
    ("https://10.2.2.3/", VPC, Purpose.STATUS_URL, Rule.ADDRESS),
    ("https://[fd00:1::1]/", VPC, Purpose.STATUS_URL, None),
    ("https://[fd00:2::1]/", VPC, Purpose.STATUS_URL, Rule.ADDRESS),
    ("https://example.com/rec.wav", STRICT, Purpose.CARRIER_RECORDING, None),
    ("wss://example.com/rec.wav", STRICT, Purpose.CARRIER_RECORDING, Rule.SCHEME),
    ("wss://example.com/tap", STRICT, Purpose.TAP_URI, None),
    ("ws://example.com/tap", STRICT, Purpose.TAP_URI, None),
    ("ws://example.com:22/tap", STRICT, Purpose.TAP_URI, Rule.PORT),
    ("https://example.com/tap", STRICT, Purpose.TAP_URI, Rule.SCHEME),
    ("rtp://192.0.32.8:5004", STRICT, Purpose.TAP_URI, None),
    ("rtp://192.0.32.8:1024", STRICT, Purpose.TAP_URI, None),
    ("rtp://192.0.32.8:1023", STRICT, Purpose.TAP_URI, Rule.PORT),
    ("rtp://192.0.32.8", STRICT, Purpose.TAP_URI, Rule.PORT),
    ("rtp://192.168.1.100:12345", STRICT, Purpose.TAP_URI, Rule.ADDRESS),
]


@pytest.mark.parametrize(("url", "policy", "purpose", "rule"), OTHER_POLICIES)
def test_follows_the_policy_and_the_purpose(
    url: str, policy: UrlPolicy, purpose: Purpose, rule: Rule | None
) -> None:
    """Schemes follow from the purpose; private addresses, http and ports from the operator."""

    assert (str(rule) if rule else None) == rule_against(url, policy, purpose)


@pytest.mark.parametrize("network", DENIED_NETWORKS, ids=str)
def test_denies_both_ends_of_every_network(network: str) -> None:
    """The first and the last address of each denied network are refused."""

    for address in (ip_network(network)[0], ip_network(network)[-1]):
        with pytest.raises(UrlRefused):
            judge_address(address, STRICT, Purpose.STATUS_URL)


NEIGHBOURS = [
    "1.0.0.0", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.255.255.255",
    "128.0.0.0", "169.253.255.255", "169.255.0.0", "172.15.255.255", "172.32.0.0", "192.0.1.0",
    "192.0.3.0", "192.88.98.255", "192.88.100.0", "192.167.255.255", "192.169.0.0",
    "198.17.255.255", "198.20.0.0", "198.51.99.255", "198.51.101.0", "203.0.112.255",
    "203.0.114.0", "223.255.255.255", "2001:1::", "2001:db7:ffff::1", "2001:db9::1", "2003::1",
    "2606:4700::1111", "::ffff:8.8.8.8",
]  # fmt: skip


@pytest.mark.parametrize("address", NEIGHBOURS)
def test_lets_the_neighbours_through(address: str) -> None:
    """The addresses just outside the denied networks are public."""

    judge_address(ip_address(address), STRICT, Purpose.STATUS_URL)


@given(st.ip_addresses(v=4))
def test_judges_a_mapped_address_as_the_one_it_maps(address: object) -> None:
    """`::ffff:a.b.c.d` is allowed exactly where `a.b.c.d` is."""

    def is_refused(text: str) -> bool:
        try:
            judge_address(ip_address(text), VPC, Purpose.STATUS_URL)
        except UrlRefused:
            return True
        return False

    assert is_refused(str(address)) == is_refused(f"::ffff:{address}")


@given(st.text() | st.text(alphabet="https:/.@[]%?#0123456789abcxl-\\ \t", max_size=60))
@example("https://a.b")
def test_reads_any_text_or_refuses_it(text: str) -> None:
    """Whatever the text, there are parts or there is a refusal; parts hold nothing that could split
    a request."""

    try:
        guarded = parse_url("https://" + text, LOCAL, Purpose.STATUS_URL)
    except UrlRefused:
        return

    assert guarded.target.startswith("/")
    assert all("!" <= character <= "~" for character in guarded.authority + guarded.target)


AUTHORITIES = [
    ("https://example.com/", "example.com"),
    ("https://example.com:443/", "example.com"),
    ("https://example.com:8443/", "example.com:8443"),
    ("https://example.com:80/", "example.com:80"),
    ("https://[2606:4700::1111]/", "[2606:4700::1111]"),
    ("https://[2606:4700::1111]:8443/", "[2606:4700::1111]:8443"),
]


@pytest.mark.parametrize(("url", "authority"), AUTHORITIES)
def test_says_the_host_header(url: str, authority: str) -> None:
    """The Host header has brackets around IPv6 and the port only where it isn't the scheme's."""

    assert authority == parse_url(url, STRICT, Purpose.STATUS_URL).authority


def test_gives_a_literal_its_address() -> None:
    """A literal needs no resolution: its address is there, already judged."""

    guarded = parse_url("https://1.1.1.1/a", STRICT, Purpose.STATUS_URL)

    assert (
        GuardedUrl(
            scheme="https",
            host="1.1.1.1",
            address=ip_address("1.1.1.1"),
            port=443,
            target="/a",
        )
        == guarded
    )


def test_names_the_property_but_not_the_url() -> None:
    """A refusal names the property and the rule, and never the URL: its path may be a secret."""

    with pytest.raises(UrlRefused) as refused:
        parse_url("https://example.com:22/s3cret", STRICT, Purpose.STATUS_URL)

    assert "status_url refused (port): 22 isn't allowed here" == refused.value.message
    assert "url_refused" == refused.value.code
