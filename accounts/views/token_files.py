"""Token files: preview, import, progress, export."""

from __future__ import annotations

from typing import Any

from django.http import StreamingHttpResponse
from drf_spectacular.types import OpenApiTypes
from rest_framework import serializers
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.filters import TokenFilters
from accounts.models import Token, TokenImport
from accounts.serializers import TokenBody
from accounts.services import token_files, token_import
from ocpp_server.api import exports
from ocpp_server.api.authentication import actor
from ocpp_server.api.documents import NUMBER, described, enveloped
from ocpp_server.api.envelope import MultipartForms, answer, refusal
from ocpp_server.api.errors import flatten
from ocpp_server.api.fields import FlagField, ReadSerializer, StrictSerializer, TimeField
from ocpp_server.api.lists import query
from ocpp_server.api.views import ApiView
from ocpp_server.bounds import uploads
from ocpp_server.domain import Invalid, Missing
from ocpp_server.error_codes import Code
from ocpp_server.rights import Right, role_for
from ocpp_server.storage.row_numbers import row_number

TAG = "Tokens"
_IMPORT_PATH: dict[str, tuple[Any, str]] = {"import_id": (NUMBER, "The id from the answer to the import.")}
_FILES = {
    kind.split(";")[0]: OpenApiTypes.BINARY
    for form, kind in exports.CONTENT_TYPES.items()
    if form in ("csv", "xlsx")
}


class RowProblemSerializer(ReadSerializer):
    row = serializers.IntegerField(help_text="Spreadsheet row number; 0 is the whole file.")
    field = serializers.CharField()
    reason = serializers.CharField()


class TokenImportSerializer(ReadSerializer):
    id = serializers.IntegerField()
    state = serializers.ChoiceField(choices=TokenImport.State.values)
    preview = serializers.BooleanField(source="is_preview")
    file_name = serializers.CharField()
    rows = serializers.IntegerField(source="row_count")
    rows_done = serializers.IntegerField(source="done_count")
    created = serializers.IntegerField(source="created_count")
    changed = serializers.IntegerField(source="changed_count")
    unchanged = serializers.IntegerField(source="unchanged_count")
    problem_count = serializers.IntegerField()
    errors = RowProblemSerializer(  # type: ignore[assignment]  # the metaclass takes it out of the class
        source="problems", many=True, help_text="The first 200 problems."
    )
    created_at = TimeField()
    finished_at = TimeField(allow_null=True)


class UploadBody(StrictSerializer):
    file = serializers.FileField(help_text="CSV (UTF-8) or XLSX; the first row names the columns.")


class ImportQuery(StrictSerializer):
    preview = FlagField(required=False, default=False, help_text="true: check only, write nothing.")


class ExportQuery(TokenFilters):
    format = serializers.ChoiceField(choices=["csv", "xlsx"], default="csv")

    def get_fields(self) -> dict[str, Any]:
        fields = super().get_fields()
        del fields["cursor"]  # a file has no next page
        return fields


_ONE = enveloped("TokenImport", TokenImportSerializer)


def check(texts: dict[str, str]) -> dict[str, Any]:
    """Validate a row by the rules of the API's token body. Raises Invalid."""
    serializer = TokenBody(data=texts)
    if not serializer.is_valid():
        raise Invalid("The row is invalid.", errors=list(flatten(serializer.errors)))
    return dict(serializer.validated_data)


class TokenImportView(ApiView):
    is_of_sites = False
    write_role = role_for(Right.IMPORTS)
    parser_classes = [MultiPartParser]
    content_negotiation_class = MultipartForms

    @described(
        "Import tokens from a file",
        _ONE,
        tag=TAG,
        body={"multipart/form-data": UploadBody},
        query=ImportQuery,
        changes=True,
        accepted=True,
        also=(400,),
        description="All rows are imported, or none. An existing token (same uid and type) is updated by the "
        "columns of the file; empty cells change nothing. A file of more than 5,000 rows is imported in the "
        "background: the answer is 202, and /tokens/imports/{import_id} returns the progress.",
    )
    def post(self, request: Request) -> Response:
        is_preview = query(ImportQuery, request).validated_data["preview"]
        upload = UploadBody(data=request.data)
        upload.is_valid(raise_exception=True)
        file = upload.validated_data["file"]
        if file.size > uploads.max_file():
            raise Invalid(uploads.too_large(), field="file")
        job = token_import.start(
            token_files.read(file),
            check=check,
            file_name=file.name,
            actor=actor(request),
            is_preview=is_preview,
        )
        return _import_answer(job, refused=400)


class TokenImportProgressView(ApiView):
    is_of_sites = False
    personal = ("name", "reason", "error", "errors", "sentence")

    @described(
        "Get the progress of an import",
        _ONE,
        tag=TAG,
        path=_IMPORT_PATH,
        also=(400,),
        description="`state` is running until all rows are checked and stored, or none is. `errors` names "
        "the rows that were refused.",
    )
    def get(self, request: Request, import_id: str) -> Response:
        number = row_number(import_id)
        if number is None:
            raise Invalid(f"{import_id!r} is not a valid import id.", field="id")
        job = token_import.find(number)
        if job is None:
            raise Missing(f"Import {import_id} not found.")
        return _import_answer(job, running=200, refused=200)


def _import_answer(job: TokenImport, *, running: int = 202, refused: int) -> Response:
    shown = TokenImportSerializer(job).data
    if job.state == TokenImport.State.RUNNING:
        return answer(f"{job.done_count} of {job.row_count} rows checked.", shown, status=running)
    failed = job.state == TokenImport.State.FAILED
    if failed and refused == 400:
        return refusal(job.sentence, refused, shown, code=Code.IMPORT_FAILED)
    return answer(job.sentence, shown, success=not failed, status=refused if failed else 200)


class TokenExportView(ApiView):
    is_of_sites = False
    audited = ("get",)
    personal = ("name",)

    @described(
        "Export tokens",
        _FILES,
        tag=TAG,
        query=ExportQuery,
        also=(400,),
        description="All tokens that pass the filters, as a file of any length. The columns are those that "
        "an import takes.",
    )
    def get(self, request: Request) -> StreamingHttpResponse:
        asked = query(ExportQuery, request)
        return exports.stream(
            request._request,
            personal_columns=self.personal,
            form=asked.validated_data["format"],
            name="tokens",
            columns=token_files.EXPORTED,
            chunks=token_files.exported(asked.filtered(Token.objects.all())),
        )
