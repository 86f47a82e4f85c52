"""Install, list and delete the certificates of a station (1.6 and 2.x M03 to M05)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from django.utils.translation import gettext_lazy as _

from certificates.models import InstalledCertificate
from certificates.services.certificates import installing, removing
from chargepoints.models import ChargePoint, Command
from chargepoints.services.campaigns.command import at_present
from ocpp_server import command_fields as fields
from ocpp_server.command_fields import Label
from ocpp_server.commanding import Rest, Result, command
from ocpp_server.domain import Invalid
from ocpp_server.error_codes import Code
from ocpp_server.protocol.translate import installed_certificates
from ocpp_server.protocol.translate.installed_certificates import CHAIN, CSMS_16, OEM
from ocpp_server.protocol.versions import VERSIONS, label
from ocpp_server.storage.journal import journal
from ocpp_server.transport import calls
from ocpp_server.transport.command_store import Addressee

_LABELS: Final[dict[str, Label]] = {one.value: one.label for one in InstalledCertificate.Type}
_ROOTS: Final = tuple((name, label) for name, label in _LABELS.items() if name != CHAIN)


def _types(field: fields.Choice, charge_point: Addressee) -> fields.Choice:
    version = charge_point.ocpp_version
    if version not in VERSIONS:
        return field
    known = installed_certificates.root_types(version)
    return replace(field, choices=tuple((name, label) for name, label in _ROOTS if name in known))


async def _require_online(charge_point: ChargePoint, **arguments: Any) -> dict[str, Any]:
    """Raises StationOffline, before anything is looked up for the request."""
    await at_present(charge_point)
    return arguments


# -- install -------------------------------------------------------------------------------------------------


async def _install(  # noqa: PLR0913 - the fields of the command
    charge_point: ChargePoint,
    *,
    type_: str = "",
    root: int | None = None,
    certificate: str = "",
    actor: str,
    timeout: float | None,
    wait: bool,
) -> Result:
    """Send the certificate in the form for this station. Raises Invalid."""
    version = charge_point.ocpp_version
    wanted = await journal.run(
        installing.wanted,
        charge_point,
        type_=installed_certificates.certificate_type(type_),
        root_id=root,
        pem=certificate,
    )
    if wanted.type not in installed_certificates.root_types(version):
        sentence = f"OCPP {label(version)} has no {wanted.type}."
        raise Invalid(sentence, field="certificateType", code=Code.NOT_SUPPORTED)
    most = installed_certificates.longest_certificate(version)
    if len(wanted.pem) > most:
        raise Invalid(f"OCPP {label(version)} allows {most:,} characters.", field="certificate")
    spelled = installed_certificates.spelled_type(version, wanted.type)
    sent: Command = await calls.call(
        charge_point,
        INSTALL_CERTIFICATE.action,
        {"certificateType": spelled, "certificate": wanted.pem},
        actor=actor,
        timeout=timeout,
        wait=wait,
    )
    return Result(sent)


def _warn(charge_point: ChargePoint, *, root: int | None = None, **rest: Any) -> Label:
    return installing.warning(charge_point, root_id=root)


INSTALL_CERTIFICATE = command(
    "install-certificate",
    _("Install certificate"),
    _("Add a root certificate to the store of the station."),
    action="InstallCertificate",
    icon="add_moderator",
    position=140,
    fields=(
        fields.Listed(
            "root",
            _("Trusted root"),
            name="rootId",
            rows=installing.choices,
            help=_("One of the roots of this server; otherwise give the certificate."),
        ),
        fields.Choice(
            "type_",
            _("Type"),
            name="certificateType",
            choices=_ROOTS,
            also=(CSMS_16,),
            adapt=_types,
            help=_("Needed with a certificate; a root of this server has its own."),
        ),
        fields.Text(
            "certificate",
            _("Certificate"),
            most=10_000,
            lines=8,
            help=_("One certificate in PEM; at most 5,500 characters before OCPP 2.1."),
        ),
    ),
    prepare=_require_online,
    run=_install,
    warn=_warn,
    rest=Rest(
        description="A station that checks additional roots (AdditionalRootCertificateCheck) gets the "
        "cross-signed form of a root, if there is one. After Accepted the server asks the station for its "
        "list: GET .../certificates has the certificate with `reportedAt` then.",
    ),
)


# -- list ----------------------------------------------------------------------------------------------------


async def _list(
    charge_point: ChargePoint,
    *,
    actor: str,
    timeout: float | None,
    wait: bool,
    types: list[str] | None = None,
) -> Result:
    """Ask for the list; a 1.6 station for one type after the other. Raises Invalid for another type."""
    version = charge_point.ocpp_version
    named = list(dict.fromkeys(map(installed_certificates.certificate_type, types or ())))
    known = installed_certificates.listed_types(version)
    if any(one not in known for one in named):
        raise Invalid(f"OCPP {label(version)} has {', '.join(known)}.", field="certificateTypes")
    sent: list[Command] = []
    for payload in installed_certificates.listing_requests(version, named):
        row: Command = await calls.call(
            charge_point, LIST_CERTIFICATES.action, payload, actor=actor, timeout=timeout, wait=wait
        )
        sent.append(row)
    failed = [one for one in sent if one.is_finished and not one.outcome.is_success]
    return Result((failed or sent)[-1], {"requestIds": [one.pk for one in sent]})


LIST_CERTIFICATES = command(
    "get-installed-certificate-ids",
    _("List certificates"),
    _("Ask the station which certificates it has."),
    action="GetInstalledCertificateIds",
    icon="badge",
    position=141,
    fields=(
        fields.Texts(
            "types",
            _("Types"),
            name="certificateTypes",
            most=len(_LABELS),
            most_characters=32,
            example=[installed_certificates.CSMS],
            help=_("Such as CSMSRootCertificate; all types unless given."),
        ),
    ),
    run=_list,
    rest=Rest(
        answer="certificates.serializers.installed.ListedSerializer",
        description="GET .../certificates has the result. 1.6 lists one type at a time, so a 1.6 station may "
        f"get several requests. {OEM} is of OCPP 2.1 alone.",
    ),
)


# -- delete --------------------------------------------------------------------------------------------------


async def _delete(  # noqa: PLR0913 - the fields of the command
    charge_point: ChargePoint,
    *,
    installed: int,
    force: bool = False,
    reason: str = "",
    actor: str,
    timeout: float | None,
    wait: bool,
) -> Result:
    """Send the hash data exactly as the station has reported it (M04.FR.07). Raises Missing, Conflict."""
    row = await journal.run(
        removing.checked, charge_point, installed, is_forced=force, reason=reason, actor=actor
    )
    sent: Command = await calls.call(
        charge_point,
        DELETE_CERTIFICATE.action,
        {"certificateHashData": row.reported},
        actor=actor,
        timeout=timeout,
        wait=wait,
    )
    return Result(sent, {"certificateId": row.pk})


def _danger(charge_point: Addressee, arguments: Mapping[str, Any]) -> Label:
    if arguments.get("force"):
        return _("The station may not be able to check this server any more, and never connect again.")
    return _("The station will not trust certificates below this root any more.")


DELETE_CERTIFICATE = command(
    "delete-certificate",
    _("Delete certificate"),
    _("Delete a certificate from the store of the station."),
    action="DeleteCertificate",
    icon="remove_moderator",
    tone="danger",
    position=142,
    is_for_one=True,
    fields=(
        fields.Whole(
            "installed",
            _("Certificate"),
            name="certificateId",
            required=True,
            least=1,
            example=12,
            help=_("The number of the certificate in the list of the station."),
        ),
        fields.Flag(
            "force",
            _("Even the last root for this server"),
            help=_("The station may never connect again: it needs a reason."),
        ),
        fields.Text("reason", _("Reason"), most=300),
    ),
    danger=_danger,
    prepare=_require_online,
    run=_delete,
    rest=Rest(
        answer="certificates.serializers.installed.DeletedSerializer",
        description="The station gets the hash data as it has reported it. The last CSMS root of a station "
        "with security profile 2 or 3 is refused with 409, unless `force` is true and there is a `reason`. "
        "Failed: the station uses the certificate. The certificate of the station itself can't be deleted "
        "this way.",
    ),
)
