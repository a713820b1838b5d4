"""Only public addresses are fetched from."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from rembolt.server.addresses import GLOBAL_UNICAST, SPECIAL_IPV4, SPECIAL_IPV6, is_global

SPECIAL = [
    "0.0.0.0/8",
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.0.0.0/24",
    "192.0.2.0/24",
    "192.31.196.0/24",
    "192.52.193.0/24",
    "192.88.99.0/24",
    "192.168.0.0/16",
    "192.175.48.0/24",
    "198.18.0.0/15",
    "198.51.100.0/24",
    "203.0.113.0/24",
    "224.0.0.0/4",
    "240.0.0.0/4",
    "255.255.255.255/32",
    "168.63.129.16/32",
    "::/128",
    "::1/128",
    "::/96",
    "::ffff:0:0/96",
    "::ffff:0:0:0/96",
    "64:ff9b::/96",
    "64:ff9b:1::/48",
    "100::/64",
    "100:0:0:1::/64",
    "200::/7",
    "2001::/23",
    "2001::/32",
    "2001:1::1/128",
    "2001:2::/48",
    "2001:3::/32",
    "2001:4:112::/48",
    "2001:10::/28",
    "2001:20::/28",
    "2001:30::/28",
    "2001:db8::/32",
    "2002::/16",
    "2620:4f:8000::/48",
    "3ffe::/16",
    "3fff::/20",
    "5f00::/16",
    "fc00::/7",
    "fd00::/8",
    "fe80::/10",
    "fec0::/10",
    "ff00::/8",
]
"""The ranges of IANA's special-purpose registries, and multicast, reserved and given-back ones beside."""

PUBLIC = [
    "1.1.1.1",
    "8.8.8.8",
    "9.255.255.255",
    "11.0.0.0",
    "100.63.255.255",
    "100.128.0.0",
    "126.255.255.255",
    "128.0.0.0",
    "168.63.129.15",
    "168.63.129.17",
    "169.253.255.255",
    "169.255.0.0",
    "172.15.255.255",
    "172.32.0.0",
    "191.255.255.255",
    "192.0.1.0",
    "192.0.3.0",
    "192.167.255.255",
    "192.169.0.0",
    "198.17.255.255",
    "198.20.0.0",
    "223.255.255.255",
    "2000::",
    "2001:200::",
    "2001:4860:4860::8888",
    "2001:db7:ffff:ffff:ffff:ffff:ffff:ffff",
    "2001:db9::",
    "2003::",
    "2606:4700:4700::1111",
    "2620:4f:8001::",
    "3ffd:ffff::",
    "3fff:1000::",
]
"""Neighbours of the ranges above, and well-known name servers."""


@pytest.mark.parametrize("text", SPECIAL)
def test_special_ranges_are_refused_from_end_to_end(text: str) -> None:
    network = ip_network(text)
    middle = network[network.num_addresses // 2]
    assert not any(is_global(address) for address in (network[0], middle, network[-1]))


@pytest.mark.parametrize("text", PUBLIC)
def test_public_addresses_are_allowed(text: str) -> None:
    assert is_global(ip_address(text))


@pytest.mark.parametrize("text", ["169.254.169.254", "100.100.100.200", "192.0.0.192", "fd00:ec2::254"])
def test_metadata_services_of_clouds_are_refused(text: str) -> None:
    assert not is_global(ip_address(text))


def test_an_address_on_one_network_card_is_refused() -> None:
    assert is_global(IPv6Address("2606:4700::1"))
    assert not is_global(IPv6Address("2606:4700::1%eth0"))


def test_every_row_of_the_tables_is_tried_here() -> None:
    tried = {ip_network(text) for text in SPECIAL}
    assert SPECIAL_IPV4.keys() <= tried
    assert SPECIAL_IPV6.keys() <= tried
    assert all(network.subnet_of(GLOBAL_UNICAST) for network in SPECIAL_IPV6)


@given(st.ip_addresses(v=4) | st.ip_addresses(v=6))
@example(IPv4Address("192.0.0.9"))
@example(IPv6Address("64:ff9b::7f00:1"))
def test_what_python_calls_not_global_is_refused_too(address: IPv4Address | IPv6Address) -> None:
    if not address.is_global or address.is_multicast or address.is_reserved:
        assert not is_global(address)


@given(st.ip_addresses(v=4))
def test_an_ipv4_address_inside_an_ipv6_one_is_refused(inside: IPv4Address) -> None:
    number = int(inside)
    for outside in (
        number,  # ::a.b.c.d
        0xFFFF << 32 | number,  # ::ffff:a.b.c.d
        0x64FF9B << 96 | number,  # 64:ff9b::a.b.c.d
        0x2002 << 112 | number << 80,  # 6to4
        0x2001 << 112 | number ^ 0xFFFFFFFF,  # Teredo
    ):
        assert not is_global(IPv6Address(outside))
