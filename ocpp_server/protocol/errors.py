"""The errors that a station gets as an answer: one class per OCPP error.

The spelling of a code per version lives only here. 1.6 misspells two of them ("FormationViolation",
"OccurenceConstraintViolation"); the errata declare the misspelling normative (J errata 5.1, 5.2).
"""

from functools import cache
from typing import Any, ClassVar

from .versions import V16

DESCRIPTION_MAX = 255  # 1.6J 4.2.3, 2.0.1 part 4 4.2.3


class OcppError(Exception):
    """A refusal that is sent as CALLERROR. It never carries a stack trace or internals of the server.

    `description` is a sentence for people who read the station's log; `frames` cuts it to 255 characters.
    """

    code: ClassVar[str] = "GenericError"
    code_16: ClassVar[str] = ""  # only where 1.6 spells it differently
    sentence: ClassVar[str] = "The message could not be processed."

    def __init__(self, description: str = "", details: dict[str, Any] | None = None) -> None:
        self.description = description or self.sentence
        self.details: dict[str, Any] = details or {}
        super().__init__(self.description)

    @classmethod
    def code_for(cls, version: str) -> str:
        """The code as this version spells it."""
        return cls.code_16 if version == V16 and cls.code_16 else cls.code


class GenericError(OcppError):
    """An error that no other class describes."""


class NotImplementedAction(OcppError):
    """The action is unknown to the receiver (the name avoids Python's NotImplementedError)."""

    code = "NotImplemented"
    sentence = "The action is not known."


class NotSupported(OcppError):
    """The action is known, but not served here or not in this direction."""

    code = "NotSupported"
    sentence = "The action is known but not supported."


class InternalError(OcppError):
    """The server failed, not the station."""

    code = "InternalError"
    sentence = "An internal error occurred; the message was not processed."


class ProtocolError(OcppError):
    """The message breaks a rule of the protocol, for example a message id used twice."""

    code = "ProtocolError"
    sentence = "The message does not follow the protocol."


class SecurityError(OcppError):
    """The message is not allowed in this state, for example before the boot was accepted."""

    code = "SecurityError"
    sentence = "The message is not allowed for security reasons."


class ClosingError(SecurityError):
    """The message shows that the station is not the one it claims to be: answer it, and close the socket."""


class FormatViolation(OcppError):
    """The payload is not an object, or has a field that the schema of its action does not know."""

    code = "FormatViolation"
    code_16 = "FormationViolation"
    sentence = "The payload is syntactically incorrect."


class PropertyConstraintViolation(OcppError):
    """A value is of the right type but not allowed: enumeration, length or range."""

    code = "PropertyConstraintViolation"
    sentence = "A field holds a value that is not allowed."


class OccurrenceConstraintViolation(OcppError):
    """A required field is missing, or a list is too short or too long."""

    code = "OccurrenceConstraintViolation"
    code_16 = "OccurenceConstraintViolation"
    sentence = "A field occurs too often or not often enough."


class TypeConstraintViolation(OcppError):
    """A value has the wrong JSON type."""

    code = "TypeConstraintViolation"
    sentence = "A field has the wrong type."


class MessageTypeNotSupported(OcppError):
    """The message type number is unknown. 1.6 ignores such frames and has no code for them."""

    code = "MessageTypeNotSupported"
    code_16 = "ProtocolError"
    sentence = "The message type number is not supported."


class RpcFrameworkError(OcppError):
    """The frame itself is unreadable. 1.6 has no such code; its nearest is FormationViolation."""

    code = "RpcFrameworkError"
    code_16 = "FormationViolation"
    sentence = "The frame is not a valid RPC message."


@cache
def codes(version: str) -> frozenset[str]:
    """The codes that this version has."""
    only_2x: tuple[type[OcppError], ...] = (MessageTypeNotSupported, RpcFrameworkError)
    errors: list[type[OcppError]] = OcppError.__subclasses__()
    return frozenset(error.code_for(version) for error in errors if version != V16 or error not in only_2x)
