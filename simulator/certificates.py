"""The certificate store of a station: installed roots by their type, and the station's own certificates."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from simulator import pki
from simulator.pki import Certificate, OwnCertificate, PathError, PrivateKey

CSMS, V2G, MO = "CSMSRootCertificate", "V2GRootCertificate", "MORootCertificate"
MANUFACTURER, OEM = "ManufacturerRootCertificate", "OEMRootCertificate"
V2G_CHAIN = "V2GCertificateChain"
# 1.6 has another name for the root of the CSMS.
CSMS_16 = "CentralSystemRootCertificate"

# The uses of a certificate of the station (CertificateSigningUse).
STATION, SECC, SECC_20 = "ChargingStationCertificate", "V2GCertificate", "V2G20Certificate"

MOST_CERTIFICATES = 20
# Keys of requests that were not answered yet, for each use: a station may repeat its request.
_MOST_PENDING = 3


@dataclass(frozen=True)
class Listed:
    """An installed certificate with its type, as GetInstalledCertificateIds reports it."""

    kind: str
    data: dict[str, str]
    children: tuple[dict[str, str], ...] = ()


class CertificateStore:
    """The certificates of one station.

    ``limit`` is the number of roots that fit; ``checks_roots`` is AdditionalRootCertificateCheck: a second
    CSMS root must be signed by the one in use, and more than two are refused (2.0.1 M05.FR.09 to 16);
    ``algorithm`` is that of the hash data it reports.
    """

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self.limit = MOST_CERTIFICATES
        self.checks_roots = False
        self.algorithm = "SHA256"
        self.roots: dict[str, list[Certificate]] = {}
        self.own: dict[str, list[OwnCertificate]] = {}
        # The root that the certificate of the CSMS in this connection leads to; None without TLS.
        self.root_in_use: Certificate | None = None
        self._pending: list[tuple[frozenset[str], PrivateKey]] = []

    # -- roots

    def install(self, kind: str, pem: str) -> str:
        """Install a root certificate. Returns Accepted, or Rejected: not the certificate of a CA, not valid
        now, the store is full, or not signed by the root in use. The same certificate is replaced
        (M05.FR.17).
        """
        found = pki.parse(pem)
        if len(found) != 1 or not pki.may_sign(found[0]) or found[0].not_valid_after_utc < self._now():
            return "Rejected"
        kept = self.roots.setdefault(kind, [])
        if found[0] in kept:
            return "Accepted"
        if sum(map(len, self.roots.values())) >= self.limit:
            return "Rejected"
        if kind == CSMS and self.checks_roots and kept:
            newest = kept[-1]
            if len(kept) > 1 or not pki.is_signed_by(found[0], newest):
                return "Rejected"
        kept.append(found[0])
        return "Accepted"

    def trust(self, kind: str, certificate: Certificate) -> None:
        """Install a root on site, without checks."""
        self.roots.setdefault(kind, []).append(certificate)

    def of(self, *kinds: str) -> list[Certificate]:
        """Return the installed roots of these types."""
        return [root for kind in kinds for root in self.roots.get(kind, [])]

    def logged_on(self) -> None:
        """Delete the root of before, after the first connection by a new one (M05.FR.12). Only a store that
        checks new roots replaces the old one.
        """
        kept = self.roots.get(CSMS, [])
        if self.checks_roots and self.root_in_use in kept[1:]:
            self.roots[CSMS] = [root for root in kept if root == self.root_in_use]

    # -- lists and deletions

    def listed(self, kinds: list[str] | None) -> list[Listed]:
        """Return the installed certificates of the given types; None means all."""
        return [one for one, _ in self._entries() if not kinds or one.kind in kinds]

    def delete(self, wanted: dict[str, Any], *, keeps: Certificate | None = None) -> str:
        """Delete a certificate by its hash data, in the algorithm of the request. Returns Accepted, NotFound,
        or Failed: the station's certificate for the CSMS (M04.FR.06) and ``keeps``, a root it needs.
        """
        for entry, delete in self._entries(wanted["hashAlgorithm"]):
            if pki.same_hash_data(entry.data, wanted):
                return delete(keeps)
        for one in self.own.get(STATION, []):
            if pki.same_hash_data(_hashes(one, wanted["hashAlgorithm"])[0], wanted):
                return "Failed"
        return "NotFound"

    def _entries(self, algorithm: str = "") -> Iterator[tuple[Listed, Callable[[Certificate | None], str]]]:
        algorithm = algorithm or self.algorithm
        for kind, roots in self.roots.items():
            for root in list(roots):

                def delete(
                    keeps: Certificate | None, roots: list[Certificate] = roots, root: Certificate = root
                ) -> str:
                    if root == keeps:
                        return "Failed"
                    roots.remove(root)
                    return "Accepted"

                yield Listed(kind, pki.hash_data(root, self._issuer(root), algorithm)), delete
        for use in (SECC, SECC_20):
            chains = self.own.get(use, [])
            for chain in list(chains):
                data, *children = _hashes(chain, algorithm)

                def delete_chain(
                    keeps: Certificate | None,
                    chains: list[OwnCertificate] = chains,
                    chain: OwnCertificate = chain,
                ) -> str:
                    chains.remove(chain)
                    return "Accepted"

                yield Listed(V2G_CHAIN, data, tuple(children)), delete_chain

    def _issuer(self, root: Certificate) -> Certificate:
        """The issuer of an installed root: itself, or another installed one when it is cross-signed."""
        if root.issuer == root.subject:
            return root
        every = [one for roots in self.roots.values() for one in roots]
        return next((one for one in every if pki.is_signed_by(root, one)), root)

    # -- own certificates

    def remember_key(self, uses: frozenset[str], key: PrivateKey) -> None:
        """Keep the key of a signing request for these uses until its certificate comes."""
        same = [one for one in self._pending if one[0] == uses]
        if len(same) >= _MOST_PENDING:
            self._pending.remove(same[0])
        self._pending.append((uses, key))

    def accept_signed(self, chain: str, use: str | None) -> frozenset[str]:
        """Store a signed certificate, and return its uses. Without ``use`` they are those of the request.

        Raises PathError: no request for this key and use, or no valid path to an installed root.
        """
        certificates = pki.parse(chain)
        if not certificates:
            raise PathError("the chain can't be read")
        leaf, *others = certificates
        requested = next((one for one in self._pending if one[1].public_key() == leaf.public_key()), None)
        if requested is None:
            raise PathError("the key of the certificate is not that of a request")
        uses, key = requested
        if use is not None and use not in uses:
            raise PathError(f"the request was for {', '.join(sorted(uses))}")
        # A certificate of both uses belongs to the V2G root.
        roots = self.of(CSMS) if uses == {STATION} else self.of(V2G)
        # A certificate that is valid from a later time on is kept until then (A02.FR.08).
        at = max(self._now(), leaf.not_valid_before_utc)
        own = OwnCertificate(tuple(pki.path(leaf, others, roots, at)), key)
        for one in uses:
            self.own.setdefault(one, []).append(own)
        self._pending = [one for one in self._pending if one[0] != uses]
        return uses

    def usable(self, use: str = STATION) -> list[OwnCertificate]:
        """Return the certificates of a use that are valid now; the one that became valid last comes first
        (A02.FR.09), and among equals the one that came last.
        """
        now = self._now()
        valid = [one for one in reversed(self.own.get(use, [])) if one.is_valid(now)]
        return sorted(valid, key=lambda one: one.leaf.not_valid_before_utc, reverse=True)

    def discard(self, certificate: OwnCertificate) -> None:
        """Delete a certificate of the station that the CSMS does not accept."""
        for chains in self.own.values():
            if certificate in chains:
                chains.remove(certificate)


def _hashes(own: OwnCertificate, algorithm: str) -> list[dict[str, str]]:
    """The hash data of a chain without its root, the leaf first."""
    issuers = (*own.path[1:], own.path[-1])
    pairs = zip(own.path, issuers, strict=True)
    return [pki.hash_data(one, issuer, algorithm) for one, issuer in pairs][: max(1, len(own.path) - 1)]
