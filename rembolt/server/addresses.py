"""Which network addresses are public; the service fetches photos from no others.

The table is our own because Python's `ipaddress.is_global` changes between its patch versions and lets
6to4, NAT64 and multicast through. Sources: the IANA special-purpose address registries of IPv4 and IPv6
(iana.org/assignments/iana-ipv4-special-registry and iana-ipv6-special-registry) and what is named beside a
row. Ranges that a registry calls globally reachable but that no web host lives in (relays, anycast, addresses
with an IPv4 address inside) are refused whole.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import Final

Address = IPv4Address | IPv6Address

SPECIAL_IPV4: Final = {
    IPv4Network("0.0.0.0/8"): "this host on this network (RFC 791)",
    IPv4Network("10.0.0.0/8"): "private (RFC 1918)",
    IPv4Network("100.64.0.0/10"): "shared by the customers of a carrier, CGNAT (RFC 6598)",
    IPv4Network("127.0.0.0/8"): "loopback (RFC 1122)",
    IPv4Network("168.63.129.16/32"): "Azure's platform, seen from its machines (learn.microsoft.com)",
    IPv4Network("169.254.0.0/16"): "link-local, clouds' metadata services (RFC 3927)",
    IPv4Network("172.16.0.0/12"): "private (RFC 1918)",
    IPv4Network("192.0.0.0/24"): "protocol assignments (RFC 6890)",
    IPv4Network("192.0.2.0/24"): "documentation (RFC 5737)",
    IPv4Network("192.31.196.0/24"): "AS112, answers for private names (RFC 7535)",
    IPv4Network("192.52.193.0/24"): "multicast tunnels, AMT (RFC 7450)",
    IPv4Network("192.88.99.0/24"): "6to4 relays, deprecated (RFC 7526)",
    IPv4Network("192.168.0.0/16"): "private (RFC 1918)",
    IPv4Network("192.175.48.0/24"): "AS112, answers for private names (RFC 7534)",
    IPv4Network("198.18.0.0/15"): "benchmarking (RFC 2544)",
    IPv4Network("198.51.100.0/24"): "documentation (RFC 5737)",
    IPv4Network("203.0.113.0/24"): "documentation (RFC 5737)",
    IPv4Network("224.0.0.0/4"): "multicast (RFC 5771)",
    IPv4Network("240.0.0.0/4"): "reserved, with the broadcast address at its end (RFC 1112)",
}
"""IPv4 ranges that are not fetched from, and what they are for."""

GLOBAL_UNICAST: Final = IPv6Network("2000::/3")
"""The only IPv6 range that addresses of the public Internet are given from (RFC 4291 and IANA's registry of
unicast assignments).

Outside of it lie, all refused: unspecified `::`, loopback `::1`, IPv4-compatible `::/96`, IPv4-mapped
`::ffff:0:0/96`, NAT64 `64:ff9b::/96` and `64:ff9b:1::/48`, discard-only `100::/64`, segment routing
`5f00::/16`, unique-local `fc00::/7`, link-local `fe80::/10`, site-local `fec0::/10`, multicast `ff00::/8`.
"""

SPECIAL_IPV6: Final = {
    IPv6Network("2001::/23"): "protocol assignments: Teredo, benchmarking, ORCHID and others (RFC 2928)",
    IPv6Network("2001:db8::/32"): "documentation (RFC 3849)",
    IPv6Network("2002::/16"): "6to4, an IPv4 address inside (RFC 3056)",
    IPv6Network("2620:4f:8000::/48"): "AS112, answers for private names (RFC 7534)",
    IPv6Network("3ffe::/16"): "6bone, given back (RFC 3701)",
    IPv6Network("3fff::/20"): "documentation (RFC 9637)",
}
"""IPv6 ranges within `GLOBAL_UNICAST` that are not fetched from, and what they are for."""


def is_global(address: Address) -> bool:
    """Say whether an address is one of the public Internet.

    An operator's own public addresses are public too, as is a NAT64 range that a network made up for itself:
    whoever has services there that outsiders may not reach gives `Fetcher` a stricter rule.

    Args:
        address: an IPv4 or IPv6 address.

    Returns:
        False for every range that is private, special, reserved, or has another address inside.
    """
    if isinstance(address, IPv4Address):
        return not any(address in network for network in SPECIAL_IPV4)
    if address.scope_id is not None or address not in GLOBAL_UNICAST:
        return False
    return not any(address in network for network in SPECIAL_IPV6)
