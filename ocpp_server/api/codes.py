"""The codes of refusals in the OpenAPI document and in docs/errors.md.

Run `python -m ocpp_server.api.codes` to write docs/errors.md; a test compares it with the list.
"""

from __future__ import annotations

from functools import cache
from http import HTTPStatus
from pathlib import Path
from typing import Any

from drf_spectacular.utils import extend_schema_field, inline_serializer
from rest_framework import serializers

from ocpp_server.error_codes import ALIASES, STATION_CODES, Code, possible

PAGE = Path(__file__).resolve().parent.parent.parent / "docs" / "errors.md"
COMPONENT = {"$ref": "#/components/schemas/ErrorCode"}

_INTRODUCTION = """\
# Error codes

Every answer of the API is `{"success", "message", "data"}`. A refusal has `success: false`, and `data` has:

| field | |
|---|---|
| `code` | one of the codes below; programs decide by it |
| `param` | the name of the wrong field, parameter or header, if there is one |
| `errors` | all wrong fields, each with `field` and `reason` |
| `requestId` | the id of the command, if one was sent; `GET .../commands/{requestId}` has its state |

`message` is a sentence for people and may change. The list is closed: a new code is announced in the change
log, and a client treats a code that it does not know by the HTTP status. The OpenAPI document has the list as
the schema ErrorCode, and names the possible codes of each status.

This page is generated from `ocpp_server/error_codes.py` by `python -m ocpp_server.api.codes`.
"""
_ALIASES = """\
## The code of a 502

A station that answers with a CALLERROR has a code of its own. It is in `data.errorCode`, with `description`
and `details`. `data.code` repeats it if OCPP defines it, as it did before this list existed: each of these
words is an alias of `station-error`.

{words}

`QueueFull` in the `errorCode` of a command in the command list means `queue-full`.
"""


class FieldErrorsSerializer(serializers.Serializer[Any]):
    field = serializers.CharField()
    reason = serializers.CharField()


def _code_field(status: int) -> serializers.CharField:
    """`data.code` of one status: the component, narrowed to the codes that the status can have."""
    words = possible(status)
    spelled = ", ".join(f"`{word}`" for word in words)
    schema = {"allOf": [COMPONENT], "enum": words, "description": f"One of {spelled}."}
    # A class for each status: the schema belongs to it.
    kind = type("CodeField", (serializers.CharField,), {})  # equivalent: its name is not shown
    field: serializers.CharField = extend_schema_field(schema)(kind)(help_text=schema["description"])
    return field


def _text(help_text: str) -> serializers.CharField:
    return serializers.CharField(required=False, help_text=help_text)


def _details(status: int) -> dict[str, Any]:
    """The fields of `data` that only refusals with this status have."""
    command = {
        "requestId": _text("The id of the command, if one was sent."),
        "clientId": _text("The station."),
        "action": _text("The OCPP action."),
        "status": _text("The state of the command."),
    }
    match status:
        case 408:
            return command
        case 409:
            return {
                "status": _text("token-refused, concurrent-tx: OCPP's word, such as Blocked."),
                "reason": _text("token-refused, concurrent-tx: why, in a sentence."),
            }
        case 502:
            return {
                **command,
                "errorCode": _text("The code of the station's CALLERROR."),
                "description": _text("Of the CALLERROR."),
                "details": serializers.JSONField(required=False, help_text="Of the CALLERROR: any object."),
                "response": serializers.JSONField(
                    required=False, help_text="invalid-answer: the answer as received."
                ),
            }
        case 503:
            return command
        case _:
            return {}


@cache
def problem(status: int) -> Any:
    """The schema of a refusal with this status."""
    data = {
        "code": _code_field(status),
        "param": _text("The wrong field, parameter or header."),
        "errors": FieldErrorsSerializer(many=True, required=False),
        **_details(status),
    }
    return inline_serializer(
        f"Problem{status}",
        {
            "success": serializers.BooleanField(help_text="Always false."),
            "message": serializers.CharField(help_text="A sentence for people."),
            "data": inline_serializer(f"Problem{status}Data", data),
        },
    )


def error_code_schema() -> dict[str, Any]:
    """The component ErrorCode: every value of `data.code`."""
    lines = [f"* `{code.value}`: {code.sentence}" for code in Code]
    lines.append(f"* {', '.join(f'`{word}`' for word in STATION_CODES)}: aliases of `station-error`.")
    return {
        "type": "string",
        "enum": [*(code.value for code in Code), *STATION_CODES],
        "description": "The code of a refusal.\n\n" + "\n".join(lines),
    }


def page() -> str:
    lines = [_INTRODUCTION]
    statuses = sorted({status for code in Code for status in code.statuses})
    for status in statuses:
        lines += [f"## {status} {HTTPStatus(status).phrase}", "", "| code | |", "|---|---|"]
        lines += [f"| `{code.value}` | {code.sentence} |" for code in Code if status in code.statuses]
        lines.append("")
    words = ", ".join(f"`{word}`" for word in ALIASES if word in STATION_CODES)
    lines.append(_ALIASES.format(words=words))
    return "\n".join(lines)


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
