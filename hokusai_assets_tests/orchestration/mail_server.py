"""A real SMTP server for tests: plain, or with TLS under a certificate of its own and a login."""

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

HOST = "127.0.0.1"
USER, PASSWORD = "hokusai", "a password of the mail server"


@dataclass
class MailServer:
    """A running server: its address, and what was mailed (sender, receivers, message)."""

    address: str
    mailed: list[tuple[str, list[str], str]] = field(default_factory=list)
    encrypted: list[bool] = field(default_factory=list)

    async def handle_DATA(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        assert isinstance(envelope.content, bytes)
        text = envelope.content.decode().replace("\r", "")
        self.mailed.append((str(envelope.mail_from), envelope.rcpt_tos, text))
        self.encrypted.append(server.transport.get_extra_info("sslcontext") is not None)
        return "250 OK"


class _OnFreePort(Controller):
    def _trigger_server(self) -> None:
        # It connects once to what was asked for, which is 0.
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()


@contextmanager
def running_mail_server(
    certificate: Path | None = None, *, starttls: bool = False, login: bool = False
) -> Iterator[MailServer]:
    """Run a server on a free port of this machine.

    Args:
        certificate: what `write_certificate` wrote; TLS from the first byte. None for no TLS.
        starttls: whether it begins in the clear and takes nothing before STARTTLS instead.
        login: whether it takes nothing without the login.
    """
    context = None
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
    found = MailServer("")
    controller = _OnFreePort(
        found,
        hostname=HOST,
        port=0,
        ssl_context=None if starttls else context,
        tls_context=context if starttls else None,
        require_starttls=starttls,
        auth_required=login,
        # Where TLS is there from the first byte, aiosmtpd does not count it as such.
        auth_require_tls=login and starttls,
        authenticator=_authenticate if login else None,
    )
    controller.start()
    try:
        found.address = f"{HOST}:{controller.port}"
        yield found
    finally:
        controller.stop()


def _authenticate(
    server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: LoginPassword
) -> AuthResult:
    right = (data.login, data.password) == (USER.encode(), PASSWORD.encode())
    return AuthResult(success=right, handled=False)


def write_certificate(path: Path) -> Path:
    """Write a new key and its own certificate for `HOST`, as PEM, and return the path."""
    key = Ed25519PrivateKey.generate()
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "a mail server")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(IPv4Address(HOST))]), False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, None)
    )
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path.write_bytes(private + made.public_bytes(Encoding.PEM))
    return path
