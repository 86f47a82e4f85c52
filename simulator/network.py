"""The ways by which a station may connect: security profiles, network profiles, client certificates."""

import contextlib
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from simulator import certificates
from simulator.pki import Certificate, OwnCertificate
from simulator.versions import V16, V21

if TYPE_CHECKING:
    from simulator.station import Station

WITH_PASSWORD, WITH_TLS, WITH_CERTIFICATE = 1, 2, 3
# Attempts of a way before the next one is used: in 1.6, which has no setting for it.
_ATTEMPTS_16 = 2
_BASE_SLOT = "0"


@dataclass(frozen=True)
class Way:
    """One way to connect. ``slot`` is that of the network profile in 2.x; ``tls`` was given for this
    connection and is used as it is.
    """

    profile: int
    url: str
    identity: str
    password: str | bytes | None
    slot: str = _BASE_SLOT
    certificate: OwnCertificate | None = None
    tls: ssl.SSLContext | None = None
    attempts: int = 1


class Network:
    """The ways of one station in the order in which it tries them.

    ``profile`` is the security profile of the installation on site; None derives it from the URL and the
    password, and verifies a wss server by ``tls`` or the certificates of the system. ``urls`` are the
    endpoints of other profiles than that. ``trusts_system`` accepts a server by the certificates of the
    system where no CSMS root is installed.
    """

    def __init__(
        self,
        station: "Station",
        *,
        profile: int | None,
        urls: Mapping[int, str] | None,
        trusts_system: bool,
    ) -> None:
        self._station = station
        self._is_derived = profile is None
        self.urls = dict(urls or {})
        self.trusts_system = trusts_system
        self.profile = self._derived() if profile is None else profile
        self.slot = _BASE_SLOT
        self.raised_to: int | None = None  # 1.6: the profile of a change that is not proved yet
        self.way: Way | None = None  # of the connection in use
        self._priority = [_BASE_SLOT]
        self._left: list[Way] = []
        self._failed: list[Way] = []
        self._attempts = 0

    def _derived(self) -> int:
        station = self._station
        lowest = 0 if station.version == V16 else WITH_PASSWORD
        if station.password is None:
            return lowest
        return WITH_TLS if station.url.startswith("wss:") else WITH_PASSWORD

    def show_profile(self) -> None:
        """Put the profile in use into the settings, where the CSMS reads it."""
        self._station.settings.put("profile", self.profile)

    # -- the order

    def next(self) -> Way:
        """Return the way of the next attempt."""
        if not self._left:
            self._left, self._failed, self._attempts = self._ways(), [], 0
        return self._left[0]

    def failed(self, failure: BaseException) -> None:
        """Note a failed attempt; after the last one of a way the next way is used."""
        way = self._left[0]
        if isinstance(failure, ssl.SSLCertVerificationError):
            name = (
                "InvalidCentralSystemCertificate"
                if self._station.version == V16
                else "InvalidCsmsCertificate"
            )
            self._station.report_event(name, failure.verify_message)
        self._attempts += 1
        if self._attempts >= way.attempts:
            self._failed.append(self._left.pop(0))
            self._attempts = 0

    def connected(self, used: ssl.SSLObject | None) -> None:
        """Note that the connection stands: lower profiles are given up, and certificates that the CSMS
        refused are discarded. ``used`` is the TLS object of the connection.
        """
        way = self._left[0]
        station, store = self._station, self._station.certificates
        refused = [one for one in self._failed if one.certificate and one.certificate != way.certificate]
        if way.certificate is not None and refused:
            for one in refused:
                if one.certificate is not None:
                    store.discard(one.certificate)
            if station.version == V21:  # A02.FR.28
                station.report_event("DiscardedRenewedClientCertificate", "the CSMS refused it")
        store.root_in_use = _root(used, store.of(certificates.CSMS))
        store.logged_on()
        if self._is_derived and way.slot == _BASE_SLOT and self.raised_to is None:
            self.profile = max(self.profile, self._derived())
        else:
            self.profile = way.profile
        self.way, self.slot, self.raised_to, self._left = way, way.slot, None, []
        self._forget_lower()
        self.show_profile()

    def rebooted(self) -> None:
        """Use the priority of the network profiles that was set before the reboot (2.0.1 B09, A05)."""
        if self._station.version != V16:
            self._priority = self._station.settings.text("priority").split(",")
        self._left = []

    def _forget_lower(self) -> None:
        """Remove the slots with a lower profile from the priority (A05.FR.06)."""
        station = self._station
        if station.version == V16 or len(self._priority) == 1:
            return
        lowest = self.profile
        if lowest == WITH_CERTIFICATE and not self.is_lower(WITH_TLS):
            lowest = WITH_TLS
        kept = [slot for slot in self._priority if self._slot_profile(slot) >= lowest]
        if kept != self._priority:
            self._priority = kept
            station.settings.put("priority", ",".join(kept))

    # -- ways

    def _ways(self) -> list[Way]:
        if self._station.misbehaviour.falls_back:
            return self._with_certificates(self._base(self.profile))
        if self._station.version == V16:
            profiles = [self.raised_to, self.profile] if self.raised_to is not None else [self.profile]
            return [way for profile in profiles for way in self._with_certificates(self._base(profile))]
        found = [way for slot in self._priority if (way := self._of_slot(slot)) is not None]
        return [way for one in found or [self._base(self.profile)] for way in self._with_certificates(one)]

    def _base(self, profile: int) -> Way:
        """The way of the installation on site."""
        station = self._station
        attempts = _ATTEMPTS_16
        if station.version != V16:
            attempts = max(1, station.settings.number("connect_attempts"))
        is_given = self._is_derived or not station.certificates.of(certificates.CSMS)
        url = self.urls.get(profile, station.url)
        if profile >= WITH_TLS and url.startswith("ws:"):
            url = f"wss:{url.removeprefix('ws:')}"
        return Way(
            profile,
            url,
            station.identity,
            None if profile == WITH_CERTIFICATE else station.password,
            tls=station.tls if is_given and profile != WITH_CERTIFICATE else None,
            attempts=attempts,
        )

    def _of_slot(self, slot: str) -> Way | None:
        """The way of a network profile; None for an empty slot."""
        data = self.slot_data(slot)
        if data is None:
            return self._base(self._base_profile()) if slot == _BASE_SLOT else None
        station = self._station
        profile = int(data["securityProfile"])
        password = data.get("basicAuthPassword") or station.password
        return Way(
            profile,
            str(data["ocppCsmsUrl"]),
            data.get("identity") or station.identity,
            None if profile == WITH_CERTIFICATE else password,
            slot=slot,
            attempts=max(1, station.settings.number("connect_attempts")),
        )

    def _base_profile(self) -> int:
        return self._station.site_profile if self._station.site_profile is not None else self._derived()

    def _slot_profile(self, slot: str) -> int:
        data = self.slot_data(slot)
        return self._base_profile() if data is None else int(data["securityProfile"])

    def slot_data(self, slot: str) -> dict[str, Any] | None:
        """Return the data of a slot, set by SetNetworkProfile or variables (2.1); None for an empty slot."""
        given = self._station.network_profiles.get(int(slot)) if slot.isdigit() else None
        return given or self._station.settings.network_profile(slot)

    def _with_certificates(self, way: Way) -> list[Way]:
        """The way with each of the station's certificates in turn; without one, the server has to refuse."""
        if way.profile != WITH_CERTIFICATE:
            return [way]
        usable = self._station.certificates.usable()
        if self._station.misbehaviour.ignores_certificates:
            usable = usable[-1:]
        return [Way(**{**vars(way), "certificate": certificate}) for certificate in usable] or [way]

    # -- rules of a change

    def missing(self, profile: int) -> str:
        """Return the reason code for the missing prerequisite of a profile; "" when none is missing."""
        station = self._station
        if profile in (WITH_PASSWORD, WITH_TLS) and not station.password:
            return "MissingPassword"
        if profile >= WITH_TLS and not (station.certificates.of(certificates.CSMS) or self.trusts_system):
            return "InvalidCSMSRootCert"
        if profile == WITH_CERTIFICATE and not station.certificates.usable():
            return "InvalidClientCert"
        return ""

    def is_lower(self, profile: int) -> bool:
        """Whether a change to this profile is a downgrade that is not allowed (2.1 allows 3 to 2 at a
        setting).
        """
        if (self.profile, profile) == (WITH_CERTIFICATE, WITH_TLS) and self._station.version == V21:
            return not self._station.settings.boolean("may_go_down")
        return profile < self.profile

    def needed_root(self) -> Certificate | None:
        """Return the CSMS root that must stay: the one in use, or the last one."""
        if self.profile < WITH_TLS:
            return None
        roots = self._station.certificates.of(certificates.CSMS)
        return self._station.certificates.root_in_use or (roots[0] if len(roots) == 1 else None)

    def tls(self, way: Way) -> ssl.SSLContext | None:
        """Return the TLS context of a way; None without TLS. Only installed CSMS roots are trusted, or those
        of the system where none is installed.
        """
        if not way.url.startswith("wss:"):
            return None
        if way.tls is not None:
            return way.tls
        roots = self._station.certificates.of(certificates.CSMS)
        if not roots and (self._is_derived or self.trusts_system):
            context = ssl.create_default_context()
        else:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            # A cross-signed root is trusted although it is not self-signed.
            context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
            for root in roots:
                context.load_verify_locations(cadata=_der(root))
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        if way.certificate is not None:
            way.certificate.load_into(context)
        return context


def _der(certificate: Certificate) -> bytes:
    return certificate.public_bytes(Encoding.DER)


def _root(used: ssl.SSLObject | None, roots: list[Certificate]) -> Certificate | None:
    """The installed root to which the certificate of the server leads."""
    if used is None:
        return None
    chain: list[Any] = []
    # A public method from Python 3.13 on; the TLS object has it since 3.10.
    with contextlib.suppress(AttributeError):
        chain = used._sslobj.get_verified_chain() or []  # type: ignore[attr-defined]  # noqa: SLF001
    for one in reversed(chain):
        found = x509.load_pem_x509_certificate(one.public_bytes().encode())
        if found in roots:
            return found
    return None
