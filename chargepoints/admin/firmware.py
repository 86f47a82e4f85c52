"""Firmware files in the admin: list, upload, facts with the log of downloads, deletion."""

from __future__ import annotations

from typing import Any, Final

from django import forms
from django.contrib import admin, messages
from django.db.models import Model
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.defaultfilters import filesizeformat
from django.template.response import TemplateResponse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display
from unfold.widgets import UnfoldAdminFileFieldWidget, UnfoldAdminTextareaWidget, UnfoldAdminTextInputWidget

from chargepoints.models import FirmwareDownload, FirmwareFile
from chargepoints.services.firmware import files, usage
from ocpp_server.admin import access, tones
from ocpp_server.admin.base import EvidenceAdmin
from ocpp_server.admin.filters import MomentFilter, StationFilter
from ocpp_server.bounds.uploads import in_words
from ocpp_server.domain import DomainError
from ocpp_server.given_addresses import MOST_CHARACTERS
from ocpp_server.rights import Right
from ocpp_server.storage.row_numbers import row_number

# The newest downloads on the page of a file; the list has all of them.
SHOWN: Final = 50


def _text(label: Any, most: int, help_text: Any = "", *, is_required: bool = False) -> forms.CharField:
    return forms.CharField(
        label=label,
        max_length=most,
        required=is_required,
        help_text=help_text,
        widget=UnfoldAdminTextInputWidget(),
    )


class FirmwareForm(forms.Form):
    """The form of a new firmware. Its fields have the names of the API, which the refusals use too."""

    name = _text(_("Name"), 100, is_required=True)
    version = _text(
        _("Version"), 255, _("As a station reports it in its boot after the update."), is_required=True
    )
    vendor = _text(_("Vendor"), 255, _("Empty for any vendor."))
    model = _text(_("Model"), 255, _("Empty for any model."))
    file = forms.FileField(label=_("File"), required=False, widget=UnfoldAdminFileFieldWidget())
    url = _text(
        _("Or an external address"),
        MOST_CHARACTERS,
        _("https, http, ftps, ftp or sftp. A login in it is stored encrypted and not shown again."),
    )
    sha256 = _text(_("SHA-256"), 200, _("The file is refused if it has another one."))
    signature = forms.CharField(
        label=_("Signature"),
        max_length=2000,
        required=False,
        help_text=_("In base64, over the whole file: RSA-PSS, RSA PKCS#1 v1.5 or ECDSA, with SHA-256."),
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}),
    )
    signingCertificate = forms.CharField(  # noqa: N815 - the name in the API
        label=_("Signing certificate"),
        max_length=20_000,
        required=False,
        help_text=_("One certificate in PEM."),
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 6}),
    )

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        if bool(given.get("file")) == bool(given.get("url")) and not self.errors:
            self.add_error("file", gettext("Give either a file or an external address."))
        return given


@admin.register(FirmwareFile)
class FirmwareFileAdmin(EvidenceAdmin):
    right = Right.FIRMWARE
    list_display = [
        "name", "version", "vendor_shown", "model_shown", "place", "size_words", "signature_label",
        "uploaded_by", "created_at",
    ]  # fmt: skip
    list_filter = [("created_at", MomentFilter)]
    search_fields = ["name", "version", "vendor", "model"]
    search_help_text = _("Search by name, version, vendor or model")
    sortable_by: tuple[str, ...] = ()
    ordering = ["-id"]
    empty_sentence = _("No firmware yet. Add a file that stations will download from this server.")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return access.may(request.user, self.right)

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return access.may(request.user, self.right)

    @admin.display(description=_("Vendor"))
    def vendor_shown(self, row: FirmwareFile) -> str:
        return row.vendor or gettext("Any")

    @admin.display(description=_("Model"))
    def model_shown(self, row: FirmwareFile) -> str:
        return row.model or gettext("Any")

    @admin.display(description=_("File"))
    def place(self, row: FirmwareFile) -> str:
        return row.file_name if row.is_hosted else row.url

    @admin.display(description=_("Size"))
    def size_words(self, row: FirmwareFile) -> str:
        return "–" if row.size is None else filesizeformat(row.size)

    @display(description=_("Signature"), label=tones.FIRMWARE_SIGNATURE)
    def signature_label(self, row: FirmwareFile) -> tuple[str, str]:
        if not row.is_signed:
            return "none", gettext("Not signed")
        return ("verified", gettext("Verified")) if row.verified else ("unverified", gettext("Not verified"))

    # -- pages -------------------------------------------------------------------------------------------

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The form of a new firmware, with the field of each refusal."""
        access.require(request.user, self.right)
        form = FirmwareForm(request.POST, request.FILES) if request.method == "POST" else FirmwareForm()
        if form.is_valid():
            try:
                row = _added(form.cleaned_data, actor=str(request.user.get_username()))
            except DomainError as error:
                form.add_error(error.field if error.field in form.fields else None, error.sentence)
            else:
                messages.success(request, gettext("Firmware %(name)s added.") % {"name": row})
                return redirect("admin:chargepoints_firmwarefile_change", row.pk)
        return self._page(
            request,
            "operator/firmware_add.html",
            title=gettext("Add firmware"),
            form=form,
            most=in_words(files.HOSTED.max_file),
        )

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """The facts of a firmware, and its newest downloads."""
        access.require(request.user, Right.READ)
        row = _found(FirmwareFile.objects, object_id)
        downloads = row.downloads.select_related("charge_point", "campaign").order_by("-pk")[:SHOWN]
        return self._page(
            request,
            "operator/firmware.html",
            title=str(row),
            firmware=row,
            signature=self.signature_label(row)[1],
            downloads=downloads,
            may_delete=self.has_delete_permission(request, row),
        )

    def _page(self, request: HttpRequest, template: str, **context: Any) -> HttpResponse:
        known = {**self.admin_site.each_context(request), "opts": self.opts}
        return TemplateResponse(request, template, known | context)

    # -- deletion ----------------------------------------------------------------------------------------

    def delete_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        access.require(request.user, self.right)
        row = _found(FirmwareFile.objects, object_id)
        reason = usage.reason(row)
        if reason:
            messages.error(request, reason)
            return redirect("admin:chargepoints_firmwarefile_change", row.pk)
        answer: HttpResponse = super().delete_view(request, object_id, extra_context)
        return answer

    def delete_model(self, request: HttpRequest, obj: FirmwareFile) -> None:
        files.delete(obj)

    def response_delete(self, request: HttpRequest, obj_display: str, obj_id: Any) -> HttpResponse:
        messages.success(request, gettext("Firmware %(name)s deleted.") % {"name": obj_display})
        return redirect("admin:chargepoints_firmwarefile_changelist")

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """Its downloads are deleted with it, by the right to delete it."""
        count = FirmwareDownload.objects.filter(firmware__in=objs).count()
        words = {str(FirmwareDownload._meta.verbose_name_plural): count} if count else {}
        return [str(row) for row in objs], words, set(), []


def _added(given: dict[str, Any], *, actor: str) -> FirmwareFile:
    """The firmware of a valid form. Raises DomainError."""
    facts = files.Facts(
        **{name: given[name] for name in ("name", "version", "vendor", "model", "sha256", "signature")},
        signing_certificate=given["signingCertificate"],
    )
    file = given["file"]
    if file is None:
        return files.add_external(facts, url=given["url"], actor=actor)
    return files.add_hosted(facts, file=file, size=file.size, file_name=file.name, actor=actor)


@admin.register(FirmwareDownload)
class FirmwareDownloadAdmin(EvidenceAdmin):
    list_display = [
        "firmware", "station", "state_label", "sent_words", "request_count", "last_status", "client_address",
        "last_request_at", "expires_at",
    ]  # fmt: skip
    list_filter = [StationFilter, ("created_at", MomentFilter)]
    list_select_related = ["charge_point", "firmware"]
    exact_search = ("firmware", "charge_point")
    search_fields = ["firmware__pk"]
    search_help_text = _("Search by station, or by the number of a firmware file")
    sortable_by: tuple[str, ...] = ()
    ordering = ["-id"]
    empty_sentence = _("No downloads yet. An update of a station's firmware makes an address for it.")

    def _condition(self, field: str, term: str) -> dict[str, Any] | None:
        if field != "firmware":
            return super()._condition(field, term)
        number = row_number(term)
        return None if number is None else {"firmware_id": number}

    @display(description=_("State"), label=tones.FIRMWARE_DOWNLOAD)
    def state_label(self, row: FirmwareDownload) -> tuple[str, str]:
        return row.state.value, str(row.state.label)

    @admin.display(description=_("Sent"))
    def sent_words(self, row: FirmwareDownload) -> str:
        return filesizeformat(row.bytes_sent)

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """A download with its requests."""
        access.require(request.user, Right.READ)
        row = _found(
            FirmwareDownload.objects.select_related("firmware", "charge_point", "campaign"), object_id
        )
        context = {"opts": self.opts, "title": str(row), "download": row, "requests": row.log.all()}
        known = self.admin_site.each_context(request)
        return TemplateResponse(request, "operator/firmware_download.html", known | context)


def _found(rows: Any, object_id: str) -> Any:
    """The row of this number. Raises Http404."""
    number = row_number(object_id)
    row = rows.filter(pk=number).first() if number else None
    if row is None:
        raise Http404
    return row
