"""Tests of addresses of mail and machines, and of the user part of URLs."""

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hokusai_assets_tests.privacy.entity_findings import found


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("from 192.0.2.1.", "192.0.2.1"),  # RFC 5737
        ("198.51.100.7:8080", "198.51.100.7"),
        ("[203.0.113.255]", "203.0.113.255"),
        ("see 2001:DB8:0:0:8:800:200C:417A", "2001:db8::8:800:200c:417a"),  # RFC 4291 2.2
        ("2001:db8::8:800:200c:417a", "2001:db8::8:800:200c:417a"),  # RFC 3849
        ("2001:db8::1: no route", "2001:db8::1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("host 1.2.3.4 is up", "1.2.3.4"),
        ("http://192.0.2.1/x", "192.0.2.1"),
        ("地址192.0.2.1。", "192.0.2.1"),
        ("ip192.0.2.1", "192.0.2.1"),
        ("client_ip_192.0.2.1", "192.0.2.1"),
        ("192.168.001.001", "192.168.1.1"),
        (
            "host 724f:afb5:4da4:adc7:96c6:7a8e:fdf3:7769:8080",
            "724f:afb5:4da4:adc7:96c6:7a8e:fdf3:7769",
        ),
        (
            "724f:afb5:4da4:adc7:96c6:7a8e:fdf3:7769:65535.",
            "724f:afb5:4da4:adc7:96c6:7a8e:fdf3:7769",
        ),
    ],
)
def test_addresses_are_found_in_one_spelling(text: str, address: str) -> None:
    assert found(text) == [("IP", address)]


@given(st.ip_addresses(v=4) | st.ip_addresses(v=6))
def test_any_address_is_found_as_the_standard_library_spells_it(
    address: ipaddress.IPv4Address | ipaddress.IPv6Address,
) -> None:
    mapped = getattr(address, "ipv4_mapped", None) or address
    nobody = address.is_unspecified or address.is_loopback
    without_digit = not any(character.isdecimal() for character in str(address))
    expected = [] if nobody or without_digit else [("IP", str(mapped))]
    assert found(f"login from {address} failed") == expected


@pytest.mark.parametrize(
    "text",
    ["1.2.3", "1.2.3.4.5", "256.1.1.1", "v10.0.19041.1", "127.0.0.1", "0.0.0.0", "::1",
     "std::vector", "dead::beef()", "12:30:45", "00:1A:2B:3C:4D:5E", "version 10.20.30.40",
     "Chrome/120.0.99.109", "firmware: 12.0.3.44", "1.2.3.4 is out", "zip192.0.2.1",
     "192.168.01.001", "150.000.000.000", "10.0.0.001", "1:2:3:4:5:6:7:8:9:10", "8.8.8.8",
     "Версия 11.22.33.44"],
)  # fmt: skip
def test_versions_times_and_program_text_are_no_addresses(text: str) -> None:
    assert found(text) == []


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("Mail <Bob.Smith+x@Example.COM>.", "bob.smith+x@example.com"),
        ("mailto:a@b.example.co.uk,", "a@b.example.co.uk"),
        ("write to bob@[192.0.2.1] or", "bob@[192.0.2.1]"),
        ("bob@[IPv6:2001:DB8::1]", "bob@[ipv6:2001:db8::1]"),
        ("user=o'brien@example.com&x=1", "o'brien@example.com"),
        ("请联系bob@example.com谢谢", "bob@example.com"),
        ("jos\u00e9@example.com", "jos\u00e9@example.com"),
        ("a@xn--bcher-kva.example", "a@xn--bcher-kva.example"),
    ],
)
def test_mail_addresses_are_found_lower_cased(text: str, address: str) -> None:
    assert found(text) == [("EMAIL", address)]


@pytest.mark.parametrize("text", ["@handle", "meet @ 5.30", "a@b", "user@localhost", "x @ y.com"])
def test_an_at_sign_alone_is_no_mail_address(text: str) -> None:
    assert found(text) == []


@pytest.mark.parametrize(
    ("text", "userinfo"),
    [
        ("see ftp://user@ftp.example/file", "user"),
        ("postgres://svc:S3cret!@db.example:5432/x", "svc:S3cret!"),
        ("https://bob%40x:p%20w@[2001:db8::1]/", "bob%40x:p%20w"),
        ("http://a:b@localhost", "a:b"),
    ],
)
def test_the_user_part_of_a_url_is_found_in_its_case(text: str, userinfo: str) -> None:
    assert ("USERINFO", userinfo) in found(text)


@pytest.mark.parametrize(
    "text", ["https://example.com/@handle", "https://example.com/a?b=c@d", "see //a@b", "http://x"]
)
def test_an_at_sign_elsewhere_in_a_url_is_no_user(text: str) -> None:
    assert found(text) == []
