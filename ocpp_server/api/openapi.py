"""The parts of the OpenAPI document that no view declares: operation ids, roles, codes and closed bodies."""

from __future__ import annotations

from typing import Any, Final

from drf_spectacular.openapi import AutoSchema

from ocpp_server.api import rows, scopes
from ocpp_server.api.codes import error_code_schema
from ocpp_server.api.operation_ids import operation_id
from ocpp_server.credentials import Role

# By the draft of the IETF; see `throttling`.
RATE_LIMIT: Final = {
    "RateLimit-Policy": 'The quota of the caller: `"minute";q=600;w=60` is 600 requests in 60 seconds.',
    "RateLimit": 'What is left: `"minute";r=12;t=31` is 12 requests in the next 31 seconds.',
}


class Documented(AutoSchema):
    """The inspector of every view. Answers are never lists at the top level."""

    def _is_list_view(self, serializer: Any = None) -> bool:
        return False

    # The stubs have only the signature of the framework's inspector.
    def get_description(self) -> str:  # type: ignore[override]
        return ""  # the docstrings of views are not for users of the API

    def get_operation_id(self) -> str:
        is_list = (self.get_summary() or "").startswith("List ")
        creates = any(str(status).startswith("201") for status in self._statuses())
        return operation_id(self.method, self.path, is_list=is_list, creates=creates)

    def _statuses(self) -> list[Any]:
        declared: Any = self.get_response_serializers()
        if not isinstance(declared, dict):
            return []
        return [each[0] if isinstance(each, tuple) else each for each in declared]

    def get_operation(self, *args: Any, **kwargs: Any) -> Any:
        """The operation, with what its caller needs, the headers of the rate limit, and the scope that an API
        key needs as the extension `x-scope` too.
        """
        operation = super().get_operation(*args, **kwargs)
        if operation is not None:
            if self.view.throttle_classes and self.view.permission_classes:
                _put_rate_limit(operation["responses"])
            if scope := self._scope():
                operation["x-scope"] = scope
            sentences = [operation.get("description", ""), self._credentials()]
            operation["description"] = "\n\n".join(text for text in sentences if text)
        return operation

    def _role(self) -> str:
        """The lowest role that may use the operation; empty for a view that needs none."""
        needed = getattr(self.view, "needed_role", None)
        return str(needed()) if needed and self.view.permission_classes else ""

    def _scope(self) -> str:
        group = getattr(self.view, "scope_group", "") or scopes.group_of(self.path)
        if not group:
            return ""
        return scopes.needed(group, self.method, is_for_viewers=self._role() == Role.VIEWER)

    def _credentials(self) -> str:
        """The role and scope that the caller needs, from the same declarations that the permissions read."""
        if not self.view.permission_classes:
            return "Needs no credentials."
        if not (role := self._role()):
            return ""
        scope = self._scope()
        needed = f"Needs the role {role}"
        needed += f", and of a key with scopes `{scope}`." if scope else "."
        if not getattr(self.view, "is_of_sites", True):
            needed += " Callers that are limited to sites are refused."
        return needed


def _put_rate_limit(responses: dict[str, Any]) -> None:
    """Successes and the refusal by the limit have its headers; others have them where they were counted."""
    for status, response in responses.items():
        if status < "300" or status == "429":
            references = {name: {"$ref": f"#/components/headers/{name}"} for name in RATE_LIMIT}
            response.setdefault("headers", {}).update(references)


def share_headers(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """Add the headers that operations refer to."""
    result["components"]["headers"] = {
        name: {"schema": {"type": "string"}, "description": text} for name, text in RATE_LIMIT.items()
    }
    return result


def without_docstrings(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """Remove the descriptions of components: they are the docstrings of serializers, for developers."""
    for schema in result["components"]["schemas"].values():
        schema.pop("description", None)
    return result


def refuse_unknown_fields(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """Document that StrictSerializer refuses unknown fields in a body, the codes of refusals, and the fields
    of expansions.
    """
    result["components"]["schemas"]["ErrorCode"] = error_code_schema()
    rows.document(result["components"]["schemas"])
    for name, schema in result["components"]["schemas"].items():
        if name.endswith("Request") and schema.get("type") == "object":
            schema.setdefault("additionalProperties", False)
    return result
