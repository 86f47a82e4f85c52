"""The addresses at which this server can be reached with each security profile."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final
from urllib.parse import urlsplit

from cryptography import x509
from django.conf import settings

from ocpp_server.pki import parsing
from ocpp_server.transport.handshake.profiles import WITH_CERTIFICATE, WITH_TLS

# A station that is changed now must still be able to connect next week.
_LEAST_VALIDITY: Final = timedelta(days=7)


def address(profile: int) -> str:
    """The address for stations of this profile; empty if the settings don't show it."""
    public = urlsplit(settings.PUBLIC_URL)
    if profile >= WITH_CERTIFICATE and public.hostname and settings.TLS_CLIENT_PORT:
        host = f"[{public.hostname}]" if ":" in public.hostname else public.hostname
        return f"wss://{host}:{settings.TLS_CLIENT_PORT}/ocpp"
    has_tls = public.scheme == "https"
    if not public.netloc or has_tls != (profile >= WITH_TLS):
        return ""
    return f"{'wss' if has_tls else 'ws'}://{public.netloc}/ocpp"


def fault(profile: int, now: datetime | None = None) -> str:
    """Why stations of this profile can't connect to this server, as a sentence; empty if nothing is known
    against it. Reads the certificate.
    """
    own, is_proxied = settings.TLS_CERT, settings.BEHIND_TLS
    if profile < WITH_TLS:
        return (
            "This server is reached with TLS alone (TLS_CERT): a station of profile 1 connects without."
            if own and not is_proxied
            else ""
        )
    if not own and not is_proxied:
        return "This server has no TLS: set TLS_CERT, or PUBLIC_URL to the https address of its proxy."
    if profile >= WITH_CERTIFICATE and not (settings.TLS_CLIENT_PORT or settings.TLS_CLIENT_CERT_HEADER):
        return (
            "This server asks no station for a certificate: set TLS_CLIENT_PORT, or TLS_CLIENT_CERT_HEADER "
            "behind a proxy that does."
        )
    if own is None:
        return ""
    try:
        # The file may contain the key, too.
        ends_at = x509.load_pem_x509_certificate(own.read_bytes()).not_valid_after_utc
    except (OSError, ValueError) as error:
        return f"The server's certificate (TLS_CERT) can't be read: {error}"
    if ends_at - (now or datetime.now(UTC)) < _LEAST_VALIDITY:
        return f"The server's certificate ends on {parsing.day(ends_at)}: renew it first."
    return ""
