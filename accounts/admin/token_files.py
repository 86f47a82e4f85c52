"""Admin pages of token files: upload, preview, import, progress, export."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.admin.options import IncorrectLookupParameters
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import path
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET
from unfold.widgets import UnfoldAdminFileFieldWidget

from accounts.models import TokenImport
from accounts.services import token_files, token_import, token_uploads
from accounts.views.token_files import check
from ocpp_server.admin import access
from ocpp_server.admin.base import OperatorAdmin
from ocpp_server.api import exports
from ocpp_server.domain import DomainError
from ocpp_server.rights import Right


class UploadForm(forms.Form):
    file = forms.FileField(
        label=_("File"),
        widget=UnfoldAdminFileFieldWidget(attrs={"accept": ".csv,.xlsx,text/csv"}),
        error_messages={"required": _("Choose a file.")},
    )


class TokenFiles:
    """The import and export pages of the token list."""

    def __init__(self, model_admin: OperatorAdmin) -> None:
        self.model_admin = model_admin
        self.site = model_admin.admin_site

    def urls(self) -> list[Any]:
        wrap = self.site.admin_view
        return [
            path("import/", wrap(self.upload), name="token-import"),
            path("import/<int:pk>/", wrap(self.job), name="token-import-job"),
            path("import/<int:pk>/progress/", wrap(require_GET(self.progress)), name="token-import-progress"),
            path("export/<str:form>/", wrap(require_GET(self.export)), name="token-export"),
        ]

    def upload(self, request: HttpRequest) -> HttpResponse:
        """Show the upload form; a posted file is checked, but not imported."""
        _require_import(request)
        form = UploadForm(request.POST, request.FILES) if request.method == "POST" else UploadForm()
        if form.is_valid():
            file = form.cleaned_data["file"]
            try:
                job = token_uploads.preview(
                    file, size=file.size, check=check, name=file.name, actor=_actor(request)
                )
            except DomainError as error:
                form.add_error("file", error.sentence)
            else:
                return redirect("admin:token-import-job", job.pk)
        return self._page(request, "operator/token_import.html", form=form, columns=token_files.COLUMNS)

    def job(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Show the result of a preview or an import; POST imports the previewed file."""
        _require_import(request)
        job = _job(pk)
        if request.method == "POST":
            try:
                job = token_uploads.apply(job, check=check, actor=_actor(request))
            except DomainError as error:
                messages.error(request, error.sentence)
            return redirect("admin:token-import-job", job.pk)
        return self._page(
            request,
            "operator/token_import_job.html",
            job=job,
            is_running=job.state == TokenImport.State.RUNNING,
            has_failed=job.state == TokenImport.State.FAILED,
            can_apply=job.is_preview and not job.problem_count and token_uploads.is_stored(job),
            effect=job.created_count + job.changed_count,
            problems_left=job.problem_count - len(job.problems),
        )

    def progress(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Return the progress of an import as JSON, for the progress bar."""
        _require_import(request)
        job = _job(pk)
        return JsonResponse(
            {
                "state": job.state,
                "done": job.done_count,
                "rows": job.row_count,
                "sentence": _progress_text(job),
            }
        )

    def export(self, request: HttpRequest, form: str) -> HttpResponseBase:
        """Export all pages of the list, with its current search and filters."""
        access.require(request.user, Right.READ)
        if form not in ("csv", "xlsx"):
            raise Http404
        try:
            tokens = self.model_admin.get_changelist_instance(request).queryset
        except IncorrectLookupParameters:
            return redirect("admin:accounts_token_changelist")
        return exports.stream(
            request,
            form=form,
            name="tokens",
            columns=token_files.EXPORTED,
            chunks=token_files.exported(tokens),
        )

    export.is_audited = True  # type: ignore[attr-defined]  # read by `admin.auditing`

    def _page(self, request: HttpRequest, template: str, **context: Any) -> HttpResponse:
        opts = self.model_admin.opts
        known = {**self.site.each_context(request), "title": gettext("Import tokens"), "opts": opts}
        return TemplateResponse(request, template, known | context)


def _require_import(request: HttpRequest) -> None:
    access.require(request.user, Right.IMPORTS)


def _actor(request: HttpRequest) -> str:
    return str(request.user.get_username())[:150]


def _job(pk: int) -> TokenImport:
    job = token_import.find(pk)
    if job is None:
        raise Http404
    return job


def _progress_text(job: TokenImport) -> str:
    if job.state != TokenImport.State.RUNNING:
        return job.sentence
    if job.done_count >= job.row_count and not job.is_preview:
        return gettext("All rows are valid. Writing them.")
    return gettext("%(done)s of %(rows)s rows checked.") % {
        "done": f"{job.done_count:,}",
        "rows": f"{job.row_count:,}",
    }
