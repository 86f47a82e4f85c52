"""E-mail by the mail server of EMAIL_URL. Functions here block: call them in a thread."""

from __future__ import annotations

import contextlib
import re
import smtplib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Final, NamedTuple

from django.conf import settings
from django.core.mail import EmailMultiAlternatives, get_connection

MOST_OF_A_SUBJECT: Final = 200
# How much of the server's reason is kept.
_MOST_OF_A_REASON: Final = 300
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f\u2028\u2029]+")
# SMTP replies from this code on are final (RFC 5321 section 4.2.1).
_FINAL: Final = 500


@dataclass(frozen=True, kw_only=True)
class Mail:
    """A mail to one address. `html` is sent beside the text, if there is one."""

    to: str
    subject: str
    text: str
    html: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)


class Outcome(Enum):
    SENT = "sent"
    RETRY = "retry"  # the server was away or asks to try again
    FAILED = "failed"  # the server refuses this mail


class Result(NamedTuple):
    outcome: Outcome
    reason: str = ""


SENT: Final = Result(Outcome.SENT)


def is_configured() -> bool:
    """Whether EMAIL_URL names a mail server."""
    return bool(settings.EMAIL_URL)


def send(mails: Sequence[Mail]) -> list[Result]:
    """Send the mails over one connection; the result of each, in their order.

    Where the connection can't be made or ends, it and all later mails are to be sent again.
    """
    if not mails:
        return []
    results: list[Result] = []
    connection = get_connection()
    try:
        connection.open()
        for mail in mails:
            results.append(_send(connection, mail))
    except (OSError, smtplib.SMTPException) as error:
        results += [Result(Outcome.RETRY, _reason(error))] * (len(mails) - len(results))
    finally:
        # Closing sends QUIT, which fails on a broken connection: the mails have their results by now.
        with contextlib.suppress(OSError, smtplib.SMTPException):
            connection.close()
    return results


def _send(connection: Any, mail: Mail) -> Result:
    """Raises OSError and SMTPException where the connection is of no more use."""
    message = EmailMultiAlternatives(
        _CONTROL.sub(" ", mail.subject)[:MOST_OF_A_SUBJECT],
        mail.text,
        settings.DEFAULT_FROM_EMAIL,
        [mail.to],
        headers={"Auto-Submitted": "auto-generated", **mail.headers},
        connection=connection,
    )
    if mail.html:
        message.attach_alternative(mail.html, "text/html")
    try:
        message.send()
    except smtplib.SMTPServerDisconnected:
        raise
    except smtplib.SMTPRecipientsRefused as error:
        code, sentence = next(iter(error.recipients.values()))
        return _judged(code, sentence)
    except smtplib.SMTPResponseException as error:
        return _judged(error.smtp_code, error.smtp_error)
    except (ValueError, smtplib.SMTPNotSupportedError) as error:  # no server takes such an address or header
        return Result(Outcome.FAILED, _reason(error))
    return SENT


def _judged(code: int, sentence: bytes | str) -> Result:
    text = sentence.decode(errors="replace") if isinstance(sentence, bytes) else sentence
    outcome = Outcome.FAILED if code >= _FINAL else Outcome.RETRY
    return Result(outcome, _shortened(f"{code} {text}"))


def _reason(error: Exception) -> str:
    if isinstance(error, smtplib.SMTPResponseException):
        return _judged(error.smtp_code, error.smtp_error).reason
    return _shortened(f"{type(error).__name__}: {error}")


def _shortened(text: str) -> str:
    return _CONTROL.sub(" ", text).strip()[:_MOST_OF_A_REASON]
