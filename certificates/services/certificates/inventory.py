"""The certificates of each station, kept from its answers (1.6 and 2.x M03 to M05).

The list of a station replaces the known certificates of the types that were asked for. An accepted
installation and an accepted deletion change the rows, and make a new list due as the proof.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

import structlog

from certificates.models import CertificateInventory, InstalledCertificate, TrustRoot
from certificates.services.certificates import matching, refreshing
from certificates.services.certificates.matching import Known
from ocpp_server.pki import hash_data
from ocpp_server.pki.hash_data import HashData
from ocpp_server.protocol.translate.installed_certificates import Chain, Listing

log = structlog.get_logger(__name__)
State = InstalledCertificate.State
_Type = InstalledCertificate.Type

# Beyond this many current certificates of a station, no further one is stored.
MOST: Final = 200
# The refusals of a station that are kept.
MOST_REFUSED: Final = 50
_FIELDS: Final = ("hashAlgorithm", "issuerNameHash", "issuerKeyHash", "serialNumber")


# -- the list of a station -----------------------------------------------------------------------------------


def listed(charge_point_pk: int, listing: Listing, *, version: str, at: datetime) -> None:
    """Make the rows of a station those of its list. Certificates of other types in the answer are stored too;
    only those of the types that were asked for can be missing.
    """
    inventory = refreshing.locked(charge_point_pk)
    rows = list(_current(charge_point_pk))
    seen: set[int] = set()
    for chain in listing.chains:
        if chain.type not in _Type.values:
            continue
        data = _read(chain.hash_data)
        row, known = _with(rows, chain.type, data), None
        if row is None or not (row.root_id or row.issued_id):
            known = matching.behind(charge_point_pk, chain.type, data)
        if row is None and known is not None:
            row = _same(rows, chain.type, known)
        if row is None:
            if len(rows) >= MOST:
                log.warning("certificates.too_many", station=charge_point_pk, most=MOST)
                continue
            row = InstalledCertificate(charge_point_id=charge_point_pk, type=chain.type, since=at)
            rows.append(row)
        if row.pk is None or row.pk not in seen:
            _take_report(row, chain, data, known, at)
            seen.add(row.pk)
    for row in rows:
        if row.type in listing.types and row.pk not in seen:
            if row.state == State.ACCEPTED:
                row.reason = "Accepted, but not in the station's list."
            _end(row, State.MISSING, at)
    refreshing.reported(inventory, listing.types, version=version, at=at)


def _take_report(
    row: InstalledCertificate, chain: Chain, data: HashData, known: Known | None, at: datetime
) -> None:
    row.state, row.reported_at, row.ended_at = State.INSTALLED, at, None
    row.reported = _spelled(chain.hash_data)
    row.children = [_spelled(child) for child in chain.children]
    row.algorithm, row.issuer_name_hash, row.issuer_key_hash, row.serial = data
    if known is not None:
        _describe(row, known)
    row.save()


def _with(rows: list[InstalledCertificate], type_: str, data: HashData) -> InstalledCertificate | None:
    """The row with this hash data."""
    return next((row for row in rows if row.type == type_ and _data(row) == data), None)


def _same(rows: list[InstalledCertificate], type_: str, known: Known) -> InstalledCertificate | None:
    """The row of this certificate: it has no hash data yet, or that of another hash algorithm."""
    return next((row for row in rows if row.type == type_ and row.sha256 == known.sha256), None)


def _data(row: InstalledCertificate) -> HashData:
    return HashData(row.algorithm, row.issuer_name_hash, row.issuer_key_hash, row.serial)


# -- answers about one certificate ---------------------------------------------------------------------------


def installed(  # noqa: PLR0913 - the parts of one answer
    charge_point_pk: int,
    *,
    type_: str,
    pem: str,
    is_accepted: bool,
    reason: str,
    command_id: str,
    at: datetime,
) -> None:
    """The answer to an InstallCertificate. The same certificate again replaces itself (M05.FR.17)."""
    inventory = refreshing.locked(charge_point_pk)
    known = matching.certificate(pem, type_)
    of_type = InstalledCertificate.objects.filter(charge_point=charge_point_pk, type=type_)
    if not is_accepted:
        refused = InstalledCertificate(charge_point_id=charge_point_pk, type=type_, since=at)
        _describe(refused, known)
        refused.command_id, refused.reason = command_id or None, reason
        _end(refused, State.REFUSED, at)
        _trim_refused(charge_point_pk)
        return
    row = of_type.current().filter(sha256=known.sha256).first() if known is not None else None
    if row is None:
        if _current(charge_point_pk).count() >= MOST:
            log.warning("certificates.too_many", station=charge_point_pk, most=MOST)
            refreshing.request(inventory, at)
            return
        row = InstalledCertificate(
            charge_point_id=charge_point_pk, type=type_, state=State.ACCEPTED, since=at
        )
    _describe(row, known)
    row.command_id, row.reason = command_id or None, ""
    row.save()
    refreshing.request(inventory, at)


def deleted(charge_point_pk: int, *, data: Mapping[str, Any], status: str, reason: str, at: datetime) -> None:
    """The answer to a DeleteCertificate. NotFound: the station does not have it. After Failed it stays."""
    inventory = refreshing.locked(charge_point_pk)
    wanted = _read(data)
    for row in _current(charge_point_pk):
        if _data(row) != wanted:
            continue
        if status == "Accepted":
            _end(row, State.DELETED, at)
        elif status == "NotFound":
            row.reason = reason
            _end(row, State.MISSING, at)
        else:
            row.reason = reason
            row.save(update_fields=["reason"])
    if status == "Accepted":
        refreshing.request(inventory, at)


def _current(charge_point_pk: int) -> Any:
    return InstalledCertificate.objects.current().filter(charge_point=charge_point_pk).order_by("pk")


def _describe(row: InstalledCertificate, known: Known | None) -> None:
    if known is None:
        return
    row.sha256, row.subject, row.not_after = known.sha256, known.subject, known.not_after
    row.root_id, row.is_cross_signed = known.root_id, known.is_cross_signed
    row.issued_id, row.certificate = known.issued_id, known.pem


def _end(row: InstalledCertificate, state: InstalledCertificate.State, at: datetime) -> None:
    row.state, row.ended_at = state, at
    row.save()


def _trim_refused(charge_point_pk: int) -> None:
    refused = InstalledCertificate.objects.filter(charge_point=charge_point_pk, state=State.REFUSED)
    kept = list(refused.order_by("-pk").values_list("pk", flat=True)[:MOST_REFUSED])
    if len(kept) == MOST_REFUSED:
        refused.exclude(pk__in=kept).delete()


def _read(data: Mapping[str, Any]) -> HashData:
    """The hash data within the limits of the columns: a tolerated answer may have longer texts."""
    read = hash_data.read({name: data.get(name, "") for name in _FIELDS})
    algorithm, name, key, serial = read
    return HashData(algorithm[:8], name[:128], key[:128], serial[:40])


def _spelled(data: Mapping[str, Any]) -> dict[str, str]:
    """The four fields as the station spells them."""
    return {name: str(data.get(name, ""))[:128] for name in _FIELDS}


# -- for other services --------------------------------------------------------------------------------------


def recognise(root: TrustRoot) -> None:
    """Link the rows of a root that was added now: stations may have had it before."""
    rows = InstalledCertificate.objects.current().filter(type=matching.TYPES[TrustRoot.Kind(root.kind)])
    rows.filter(sha256=root.sha256).update(root=root, certificate="")
    for row in rows.filter(sha256="", serial=matching.serial_of(root)):
        known = matching.behind(row.charge_point_id, row.type, _data(row))
        if known is not None:
            _describe(row, known)
            row.save()


def of_station(charge_point_pk: int) -> CertificateInventory:
    """The state of a station's list; an unsaved one if there is none."""
    found = CertificateInventory.objects.filter(pk=charge_point_pk).first()
    return found or CertificateInventory(charge_point_id=charge_point_pk)
