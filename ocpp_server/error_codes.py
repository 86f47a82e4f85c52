"""The codes of refusals, `data.code` in the API: one closed list.

Services name a code where the class of the error does not say enough. docs/errors.md and the OpenAPI document
are made from this list. Standard library only: every package may import it.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class Code(StrEnum):
    """A code, with the HTTP statuses that it occurs with and its explanation."""

    statuses: tuple[int, ...]
    sentence: str

    def __new__(cls, word: str, statuses: tuple[int, ...], sentence: str) -> Code:
        member = str.__new__(cls, word)
        member._value_ = word
        member.statuses = statuses
        member.sentence = sentence
        return member

    # -- the request -----------------------------------------------------------------------------------------

    VALIDATION_FAILED = (
        "validation-failed",
        (400,),
        "A field or parameter is missing or has a wrong value; `errors` names each of them.",
    )
    UNKNOWN_FIELD = (
        "unknown-field",
        (400,),
        "The request has a field or parameter that does not exist; `errors` names it and the known ones.",
    )
    MALFORMED_BODY = (
        "malformed-body",
        (400,),
        "The body is not valid JSON, is nested too deeply, or contains the character U+0000.",
    )
    BAD_REQUEST = ("bad-request", (400,), "The HTTP request itself is not valid, such as its Host header.")
    NOT_SUPPORTED = (
        "not-supported",
        (400, 409),
        "The OCPP version of the station has no such action or option, or the station has reported so.",
    )
    SETS_PASSWORD = (
        "sets-password",
        (400,),
        "The command would change the station's password without the server knowing the new one.",
    )
    IMPORT_FAILED = (
        "import-failed",
        (400,),
        "Rows of the file are wrong; `errors` names row, field and reason. Nothing was imported.",
    )
    BODY_TOO_LARGE = ("body-too-large", (413,), "The body is larger than `limit` bytes.")
    BODY_TOO_SLOW = ("body-too-slow", (408,), "The body did not arrive in time.")
    UNSUPPORTED_MEDIA_TYPE = (
        "unsupported-media-type",
        (415,),
        "The Content-Type or Content-Encoding of the body is not accepted here.",
    )
    METHOD_NOT_ALLOWED = (
        "method-not-allowed",
        (405,),
        "This URL does not have this method; the header Allow names those that it has.",
    )

    # -- the caller ------------------------------------------------------------------------------------------

    NOT_AUTHENTICATED = ("not-authenticated", (401,), "The request has no credentials.")
    INVALID_CREDENTIALS = (
        "invalid-credentials",
        (401,),
        "The API key is unknown, expired or revoked.",
    )
    PERMISSION_DENIED = ("permission-denied", (403,), "The role of the caller does not allow this.")
    CSRF_FAILED = (
        "csrf-failed",
        (403,),
        "A change with the session of the admin needs the header X-CSRFToken.",
    )
    RATE_LIMITED = (
        "rate-limited",
        (429,),
        "The caller has sent too many requests, or its address too many wrong API keys; Retry-After has the "
        "seconds to wait.",
    )
    ADDRESS_LIMITED = (
        "address-limited",
        (429,),
        "The client address has too many requests without valid credentials in progress.",
    )
    TOO_MANY_STREAMS = (
        "too-many-streams",
        (429,),
        "The caller, or all callers of this process together, have too many streams of events open.",
    )

    # -- the object ------------------------------------------------------------------------------------------

    NOT_FOUND = ("not-found", (404,), "The object in the URL does not exist.")
    UNKNOWN_STATION = ("unknown-station", (404,), "No station has this identity.")
    UNKNOWN_ADDRESS = ("unknown-address", (404,), "The API has no such URL.")
    DUPLICATE = ("duplicate", (409,), "Another object has the same value in a field that must be unique.")
    IN_USE = ("in-use", (409,), "Other objects refer to this one, so it can't be deleted.")
    STATE_CONFLICT = ("state-conflict", (409,), "The present state of the object does not allow this.")
    LIMIT_REACHED = ("limit-reached", (409,), "The object has as many members as it may have.")
    OUTDATED = ("outdated", (412,), "If-Match names another state: the object was changed since it was read.")
    RULE_REFUSED = (
        "rule-refused",
        (422,),
        "The fields are valid, but a rule of the server does not allow the change.",
    )
    IDEMPOTENCY_CONFLICT = (
        "idempotency-conflict",
        (409,),
        "The Idempotency-Key was used for a request with another method, URL or body.",
    )
    IDEMPOTENCY_IN_PROGRESS = (
        "idempotency-in-progress",
        (409,),
        "The first request with this Idempotency-Key has no answer yet; send it again later.",
    )

    # -- sessions and tokens ---------------------------------------------------------------------------------

    TRANSACTION_ENDED = ("transaction-ended", (409,), "The session has ended already.")
    TRANSACTION_RUNNING = ("transaction-running", (409,), "The session must end first.")
    STILL_CHARGING = (
        "still-charging",
        (409,),
        "The vehicle is probably charging: use remote-stop, or send `force`.",
    )
    NOT_SUSPECT = ("not-suspect", (409,), "The session is not suspect, so there is nothing to settle.")
    AMBIGUOUS = ("ambiguous", (409,), "Several stations use this transaction id; `clientId` is required.")
    TOKEN_REFUSED = (
        "token-refused",
        (409,),
        "The token may not charge there; `status` is OCPP's word and `reason` a sentence.",
    )
    CONCURRENT_TX = ("concurrent-tx", (409,), "The token is charging elsewhere already.")

    # -- the station -----------------------------------------------------------------------------------------

    OFFLINE = ("offline", (503,), "The station is not connected; nothing was sent.")
    WENT_OFFLINE = (
        "went-offline",
        (503,),
        "The station lost its connection after the command was sent; whether it took effect is not known.",
    )
    PROFILE_CHANGING = (
        "profile-changing",
        (409,),
        "The station's security profile is being changed: wait until the station has connected.",
    )
    PASSWORD_UNPROVED = (
        "password-unproved",
        (409,),
        "The station was sent another new password, and has not logged on since then.",
    )
    STATION_PENDING = (
        "station-pending",
        (409,),
        "The station is not accepted yet; until then it can only be configured.",
    )
    STATION_REJECTED = ("station-rejected", (409,), "The station is rejected; nothing is sent to it.")
    QUEUE_FULL = ("queue-full", (429,), "Too many commands are waiting for this station.")
    TIMEOUT = ("timeout", (408,), "The station did not answer in time.")
    STATION_ERROR = (
        "station-error",
        (502,),
        "The station answered with a CALLERROR whose code OCPP does not define. `errorCode` has the code.",
    )
    INVALID_ANSWER = ("invalid-answer", (502,), "The station's answer does not follow the OCPP schema.")
    REJECTED = (
        "rejected",
        (200,),
        "The station answered, but it rejected the command; `status` is its word. `success` is false.",
    )
    PARTIAL = (
        "partial",
        (200,),
        "The station accepted `accepted` of `items` items of the command, and rejected others. `success` is "
        "false.",
    )

    # -- the server ------------------------------------------------------------------------------------------

    DATABASE_AWAY = ("database-away", (503,), "The database does not answer; Retry-After has the seconds.")
    REDIS_AWAY = ("redis-away", (503,), "Redis does not answer; Retry-After has the seconds to wait.")
    NOT_READY = ("not-ready", (503,), "Of /health/ready: a part of the server is down; see `parts`.")
    INTERNAL_ERROR = ("internal-error", (500,), "The server failed; its log has the details.")


# The codes of CALLERRORs, of 1.6 and 2.x. They were in `data.code` of 502 before this list existed and stay
# there: each is an alias of station-error. `FormationViolation` and `OccurenceConstraintViolation` are OCPP's
# own spellings (errata of 1.6).
STATION_CODES: Final = (
    "FormatViolation",
    "FormationViolation",
    "GenericError",
    "InternalError",
    "MessageTypeNotSupported",
    "NotImplemented",
    "NotSupported",
    "OccurenceConstraintViolation",
    "OccurrenceConstraintViolation",
    "PropertyConstraintViolation",
    "ProtocolError",
    "RpcFrameworkError",
    "SecurityError",
    "TypeConstraintViolation",
)
# Words of before with the code of today. `QueueFull` is the `errorCode` of a command in the command list.
ALIASES: Final[dict[str, Code]] = {
    "QueueFull": Code.QUEUE_FULL,
    **dict.fromkeys(STATION_CODES, Code.STATION_ERROR),
}

# The code of a refusal that names none.
_BY_STATUS: Final[dict[int, Code]] = {
    400: Code.VALIDATION_FAILED,
    401: Code.NOT_AUTHENTICATED,
    403: Code.PERMISSION_DENIED,
    404: Code.NOT_FOUND,
    405: Code.METHOD_NOT_ALLOWED,
    408: Code.TIMEOUT,
    409: Code.STATE_CONFLICT,
    412: Code.OUTDATED,
    413: Code.BODY_TOO_LARGE,
    415: Code.UNSUPPORTED_MEDIA_TYPE,
    422: Code.RULE_REFUSED,
    429: Code.RATE_LIMITED,
    502: Code.STATION_ERROR,
    503: Code.OFFLINE,
}


def of_status(status: int) -> Code:
    """The code of a refusal with this status that names no code."""
    return _BY_STATUS.get(status, Code.BAD_REQUEST if status < 500 else Code.INTERNAL_ERROR)


def of_station(word: str) -> str:
    """`data.code` for the code of a CALLERROR: the word itself if OCPP defines it."""
    return word if word in STATION_CODES else Code.STATION_ERROR


def possible(status: int) -> list[str]:
    """All values of `data.code` with this HTTP status."""
    own = [code.value for code in Code if status in code.statuses]
    return own + list(STATION_CODES) if status == 502 else own
