"""The section of the station page with its diagnostics and logs."""

from __future__ import annotations

from typing import Any

from django.template.defaultfilters import filesizeformat
from django.urls import reverse
from django.utils.translation import gettext

from chargepoints.admin.logs import file_url
from chargepoints.models import ChargePoint, LogUpload
from ocpp_server.admin import access, cells, tones
from ocpp_server.rights import Right

MOST = 5


def rows(charge_point: ChargePoint, user: Any) -> list[cells.Row]:
    """The newest requests, the newest first."""
    may_download = access.may(user, Right.LOGS)
    found = charge_point.log_uploads.select_related("charge_point").order_by("-pk")[:MOST]
    return [_row(upload, may_download=may_download) for upload in found]


def _row(upload: LogUpload, *, may_download: bool) -> cells.Row:
    page = reverse("admin:chargepoints_logupload_change", args=[upload.pk])
    state = cells.label(
        upload.get_state_display(), tones.LOG[upload.state], title=upload.fault or upload.status
    )
    return [
        cells.text(upload.get_kind_display(), href=page, note=upload.file_name),
        state,
        cells.text("–" if upload.size is None else filesizeformat(upload.size)),
        cells.text(gettext("Download"), href=file_url(upload))
        if upload.has_file and may_download
        else cells.text("–"),
        cells.text(upload.actor or "–"),
        cells.moment(upload.created_at),
    ]
