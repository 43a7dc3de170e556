"""E-mail addresses, IP addresses, and the user part of URLs."""

from __future__ import annotations

import ipaddress
import re
import socket

from hokusai_assets.privacy.context import Vocabulary
from hokusai_assets.privacy.recognition import (
    WORD,
    Recogniser,
    Span,
    digits,
    phrases,
    plain_text,
)

# E-mail -----------------------------------------------------------------------------------------
# RFC 5321 4.5.3.1: local part up to 64 octets, label up to 63. Of RFC 5322's atext the signs that
# mostly delimit in running text (= / | # ! $ * ? ^ ` { } ~) end the local part. Latin, Greek and
# Cyrillic letters count (RFC 6531); CJK do not, they stand next to addresses without a space.
_LETTER = "A-Za-z\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u052f\u1e00-\u1eff"
_LABEL = rf"[{_LETTER}0-9](?:[{_LETTER}0-9_-]{{0,62}})"
_EMAIL = (
    # From the start of a word on, so that no word is read twice; a longer one is found too.
    rf"(?<![{_LETTER}0-9_])[{_LETTER}0-9_][{_LETTER}0-9_.%+&'-]{{0,255}}@(?:(?:{_LABEL}\.){{1,8}}"
    rf"(?:xn--[A-Za-z0-9-]{{2,59}}|[{_LETTER}]{{2,24}})"
    # RFC 5321 4.1.3: an address in brackets for the domain.
    r"|\[(?:IPv6:[0-9A-Fa-f:.]{2,45}|[0-9]{1,3}(?:\.[0-9]{1,3}){3})\])"
)


def _as_matched(text: str, start: int, end: int, alone: bool) -> Span | None:
    return start, end


# URL with user information ----------------------------------------------------------------------
# RFC 3986 3.2.1: `//`, then userinfo up to the last @ before the path. The scheme and the host
# stay, since they are no secret.
_USERINFO = (
    r"(?<=://)[A-Za-z0-9._~%!$&'()*+,;=-][A-Za-z0-9._~%!$&'()*+,;=:@-]{0,255}"
    r"(?=@[\[A-Za-z0-9\u00c0-\uffff])"
)


def _canonical_userinfo(text: str) -> str:
    value = text.strip()
    # Passwords are case-sensitive.
    return plain_text(text) if re.search(r"\s", value) else value


# IP address -------------------------------------------------------------------------------------
_NOBODYS = frozenset({bytes(16), bytes(15) + b"\x01"})
_IPV4 = r"[0-9]{1,3}(?:\.[0-9]{1,3}){3}"
_IPV6 = rf"[0-9A-Fa-f]{{0,4}}(?::[0-9A-Fa-f]{{0,4}}){{1,7}}:(?:{_IPV4}|[0-9A-Fa-f]{{0,4}})"
# `ip192.0.2.1`, but not `zip...`.
_AFTER_NAME = r"(?<=[Ii][Pp])(?<![A-Za-z]..)|(?<=[Ii][Pp]_)(?<![A-Za-z]...)"
_IP = rf"(?:(?<!{WORD})|{_AFTER_NAME})(?<![.:])(?:{_IPV6}|{_IPV4})"
_PADDED = re.compile(r"[0-9]{3}(?:\.[0-9]{3}){3}")
# All eight groups, so that what follows can only be a port.
_WITH_PORT = re.compile(r"((?:[0-9A-Fa-f]{1,4}:){7}[0-9A-Fa-f]{1,4}):[0-9]{1,5}(?![\w:])")
_RUNS_ON_V4 = re.compile(rf"{WORD}|\.[0-9]")
_RUNS_ON_V6 = re.compile(rf"{WORD}|:[0-9A-Fa-f:]")
# `Chrome/120.0.0.1` is a version; `http://192.0.2.1` and `10.0.0.0/192.0.2.1` are none.
_PRODUCT_BEFORE = re.compile(r"[A-Za-z]/$")

_NUMBER_KINDS = Vocabulary(
    {
        "address": (
            "ip", "ipv", "ips", "host*", "server*", "address*", "addr", "client", "login*", "from",
            "ping*", "router", "gateway", "subnet", "dns", "proxy", "vpn", "peer", "remote",
            "source", "src", "dst", "destination", "connect*", "adres*", "adress*", "ssh",
            "dirección", "direccion", "indirizzo", "endereço", "serveur", "servidor", "адрес",
            "アドレス", "地址", "주소",
        ),
        "version": (
            "version*", "versión", "versao", "versão", "versione", "versie", "wersja", "wersji",
            "verze", "verzió", "versiyon", "sürüm", "версия", "версии", "v", "ver", "vers", "rev",
            "revision", "release*", "rel", "build*", "firmware", "fw", "patch*", "kernel",
            "driver", "drivers", "windows", "android", "ios", "macos", "linux", "ubuntu",
            "python", "java", "chrome", "firefox", "safari", "sdk", "upgrade*", "update*", "bios",
            "app", "plugin", "package", "library", "section", "chapter", "clause", "oid",
            "バージョン", "版本", "버전",
        ),
    },
    near=frozenset({"version"}),
)  # fmt: skip


def _ip_span(text: str, start: int, end: int, alone: bool) -> Span | None:
    if text[end - 1] == ":" and text[end - 2] != ":":
        end -= 1  # The colon of the sentence.
    if with_port := _WITH_PORT.match(text, start):
        return with_port.span(1)
    value = text[start:end]
    # Part of a word, or of something with more parts than an address (a version, an OID).
    if (_RUNS_ON_V4 if "." in value else _RUNS_ON_V6).match(text, end):
        return None
    if ":" not in value:
        # With zeros at the end it would be a sum with points between thousands.
        padded = _PADDED.fullmatch(value) and not value.endswith("000")
        valid = (
            _is_ipv4(_without_padding(value) if padded else value)
            and not value.startswith("127.")
            and value != "0.0.0.0"
        )
        return (start, end) if valid and not _reads_as_version(text, start, value) else None
    address = _ipv6(value)
    # ::, ::1 and 127.0.0.1 identify nobody; `a::b` without a digit is program text.
    if address is None or address in _NOBODYS or not re.search("[0-9]", value):
        return None
    return start, end


def _ipv6(text: str) -> bytes | None:
    """Return the 16 bytes of an IPv6 address (RFC 4291 2.2), None if it is none."""
    try:
        return socket.inet_pton(socket.AF_INET6, text)
    except OSError:
        return None


def _is_ipv4(text: str) -> bool:
    """Tell four numbers from 0 to 255 without leading zeros, which some readers take for octal."""
    parts = text.split(".")
    return len(parts) == 4 and all(
        part.isdecimal() and len(part) <= 3 and int(part) <= 255 and (part[0] != "0" or part == "0")
        for part in parts
    )


def _without_padding(value: str) -> str:
    """Drop the zeros from 192.168.001.001, where every part has three digits."""
    if _PADDED.fullmatch(value):
        return ".".join(part.lstrip("0") or "0" for part in value.split("."))
    return value


def _reads_as_version(text: str, start: int, value: str) -> bool:
    """Tell a four-part version from an address: by the word before it, or by four single digits.

    One address in 430,000 has parts below 10 only; of versions most do.
    """
    if _PRODUCT_BEFORE.search(text[max(0, start - 2) : start]):
        return True
    kind = _NUMBER_KINDS.nearest(text, start)
    return kind == "version" or (kind is None and len(value) == 7)


def _canonical_ip(text: str) -> str:
    value = _without_padding(text.strip())
    if _is_ipv4(value):
        return value
    if value.isdecimal() and len(value) <= 10 and int(value) < 2**32:
        # A number column holds an IPv4 address as its 32-bit value.
        return str(ipaddress.IPv4Address(int(value)))
    packed = _ipv6(value) if ":" in value and value.isascii() else None
    if packed is None:
        return plain_text(text)
    # RFC 4291 2.5.5.2: an IPv4-mapped IPv6 address is that IPv4 address.
    address = ipaddress.IPv6Address(packed)
    return (address.ipv4_mapped or address).compressed


USERINFO = Recogniser(
    entity="USERINFO",
    pattern=_USERINFO,
    validator=_as_matched,
    canonicalise=_canonical_userinfo,
    trigger="://[^/ ]*@",
    header_words=phrases("userinfo"),
)

EMAIL = Recogniser(
    entity="EMAIL",
    pattern=_EMAIL,
    validator=_as_matched,
    # RFC 5321 lets the local part be case-sensitive; no large provider does, and joins need one.
    canonicalise=plain_text,
    trigger="@",
    header_words=phrases(
        "email", "emails", "e mail", "e mails", "emailaddress", "mail address", "correo",
        "correo electronico", "courriel", "emailadresse", "mailadresse", "adresse mail",
        "eposta", "e posta", "epost", "sahkoposti", "メール", "メールアドレス", "邮箱", "电子邮件",
        "이메일", "почта", "эл почта",
    ),
    header_evidence="[@\uff20\ufe6b]",
)  # fmt: skip

IP = Recogniser(
    entity="IP",
    pattern=_IP,
    validator=_ip_span,
    reads_context=True,
    canonicalise=_canonical_ip,
    trigger=r"[0-9]\.[0-9]{1,3}\.[0-9]{1,3}\.[0-9]|::|(?:[0-9A-Fa-f]{1,4}:){5}",
    header_words=phrases("ip", "ipv", "ipaddress", "ipaddr", "ip address", "ip addr"),
    # Dotted, with colons, or the 32-bit number of an address from 1.0.0.0 on.
    header_evidence=(
        rf"\p{{Nd}}[.\x{{ff0e}}]\p{{Nd}}+[.\x{{ff0e}}]|[:\x{{ff1a}}].*[:\x{{ff1a}}]|^{digits(8)}"
    ),
)
