"""Secrets: the one rule for all code that stores, shows or logs values of a payload.

A text or number is a secret when

1. its path is one of the `secret_paths` of its action in THE TABLE, or
2. its name matches: the name of a property, of a 1.6 key, of a 2.x component or variable, or any name inside
   a DataTransfer, or
3. OCPP_SECRET_KEYS names it.

`observability.masking` makes copies without secrets; it also masks a user and password in an address.
idTags and idTokens are no secrets here: operators work with them, and the logs shorten them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any, Final

from .actions import ACTIONS, FREE

# Names inside OCPP are at most 50 characters long. A longer one is judged by its whole words only.
_LONGEST_NAME = 200

_PARTS = re.compile(r"[.\[\]/:]+")
# camelCase, WPA2PSK and snake_case have the same words.
_WORD_STARTS = re.compile(
    r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|(?<=[A-Za-z])(?=[0-9])|(?<=[0-9])(?=[A-Za-z])"
)
_NOT_WORD = re.compile(r"[\W_]+")

# Anywhere in the name, written together. A public key is no secret, and a keyboard is no key.
_SECRET_ANYWHERE = re.compile(
    r"passw(?:or[dt]|d)|passphrase|passcode|passkey|kennwort|secret|credential|connectionstring"
    r"|(?:private|priv|authorization|auth|api|access|shared|encryption|encrypt|decryption|decrypt|master|wifi"
    r"|wlan|wpa[0-9]?|wep|vpn|network|security|session|hmac|aes[0-9]*|signing|account|storage|symmetric)"
    r"key(?!board|pad)"
    r"|(?:access|auth|api|bearer|refresh|sas|security|session|push|login)token"
    r"|(?:sim|user|admin|card|service|unlock)pin(?:[0-9]|$)|pincode"
    r"|(?:ftp|http|user|wifi|wlan|mqtt|auth|login|admin|web|smtp|sim|root|vpn)pass(?:[0-9]|$)"
)
# As words of their own, joined by "_": some anywhere, some only at the end (a PIN pad is no PIN).
_SECRET_WORD = re.compile(
    r"(?:^|_)(?:[a-z]*psk|[a-z]*pwd|pw|puk|otp|totp)(?:_|$)"
    r"|(?:^|_)pin_(?:number|value)(?:_|$)"
    r"|(?:^|_)(?:pin|pass|apn|(?<!id_)token)(?:_[0-9]+)?$"
)
# Names about a secret that do not hold it: PasswordLength, VpnKeyRequired.
_HARMLESS_END = re.compile(
    r"_(?:length|len|size|enabled|disabled|required|supported|allowed|count|attempts|retries|timeout|expiry"
    r"|interval|policy|strength)$"
)
# A text without any of these holds no secret name.
HINTS: Final = (
    "pass", "secret", "key", "token", "credential", "psk", "pwd", "pin", "apn", "pw", "puk", "otp",
    "kennwort", "connectionstring",
)  # fmt: skip

# Properties that hold a value beside the name of its key or variable.
_VALUE = re.compile(r"value|^(?:val|v|data|content|text|default)$", re.IGNORECASE)
# Remarks of a station about a value, which may repeat it.
_REMARK = re.compile(r"^(?:additionalInfo|techInfo)$")
# Properties that hold the name of a key or variable.
NAMING: Final = frozenset(
    {"key", "keyname", "name", "variable", "variablename", "parameter", "param", "setting", "field",
     "property", "attribute", "option", "item", "id"}
)  # fmt: skip

Paths = Mapping[str, Any]  # a step of a path: the steps behind it, none at its end


class _Configured:
    """The names of OCPP_SECRET_KEYS, without case and punctuation."""

    names: frozenset[str] = frozenset()


def configure(names: Iterable[str]) -> None:
    """Treat these names as secrets too: whole keys, variables or `Component.Variable`, in any case."""
    _Configured.names = frozenset(filter(None, (_squeezed(name) for name in names)))
    _is_secret.cache_clear()


def configured() -> bool:
    """Whether names were added: HINTS rules out no text then."""
    return bool(_Configured.names)


def is_secret_name(name: str) -> bool:
    """Whether the value of this name is never shown: a property, a key, `Component[instance].Variable`."""
    if len(name) > _LONGEST_NAME:
        return _SECRET_ANYWHERE.search(_squeezed(name)) is not None
    return _is_secret(name)


@lru_cache(maxsize=8192)
def _is_secret(name: str) -> bool:
    if _Configured.names and _squeezed(name) in _Configured.names:
        return True
    return any(_is_secret_part(part) for part in _PARTS.split(name))


def _is_secret_part(part: str) -> bool:
    words = _NOT_WORD.sub("_", _WORD_STARTS.sub("_", part)).casefold().strip("_")
    together = words.replace("_", "")
    if together in _Configured.names:
        return True
    if _HARMLESS_END.search(words):
        return False
    return _SECRET_ANYWHERE.search(together) is not None or _SECRET_WORD.search(words) is not None


def _squeezed(name: str) -> str:
    return _NOT_WORD.sub("", name).casefold()


def holds_value(name: str) -> bool:
    """Whether a property beside the name of a key holds its value: `value`, `attributeValue`, `data`."""
    return _VALUE.search(name) is not None


def is_remark(name: str) -> bool:
    """Whether a property is a station's remark, which may repeat the value it is about."""
    return _REMARK.match(name) is not None


# --- THE TABLE ----------------------------------------------------------------------------------------------


def _tree(paths: Iterable[str]) -> Paths:
    root: dict[str, Any] = {}
    for path in paths:
        step = root
        for name in path.split("."):
            step = step.setdefault(name, {})
    return root


_PATHS: Final = {
    row.name: _tree(path for path in row.secret_paths if path != FREE)
    for row in ACTIONS.values()
    if row.secret_paths
}
NO_PATHS: Final[Paths] = {}
# Actions whose messages may hold secrets where their schemas know the fields. Of all others only fields that
# no schema knows may.
LOOKED_AT: Final = frozenset(_PATHS)


def paths_of(action: str) -> Paths:
    """The secret paths of an action as a tree; items of lists are no step."""
    return _PATHS.get(action, NO_PATHS)


def is_secret_path(action: str, names: Iterable[str]) -> bool:
    """Whether THE TABLE makes the value under these property names a secret, or part of one."""
    step = _PATHS.get(action)
    if not step:
        return False
    for name in names:
        if name not in step:
            return False
        step = step[name]
        if not step:
            return True
    return False


# --- the station's own password -----------------------------------------------------------------------------

_PASSWORDS = frozenset({"authorizationkey", "basicauthpassword"})


def password_field(action: str, payload: Mapping[str, Any]) -> str:
    """The field of a valid request of ours that gives the station another password for its connection, or "".

    AuthorizationKey (1.6) and BasicAuthPassword (2.x) of any component, in any spelling; and the network
    profile of 2.1, whose password counts as soon as the profile does.
    """
    if action == "ChangeConfiguration":
        return "key" if _is_password(payload["key"]) else ""
    if action == "SetVariables":
        for number, item in enumerate(payload["setVariableData"]):
            for part in ("variable", "component"):
                for word in ("name", "instance"):
                    if _is_password(item[part].get(word, "")):
                        return f"setVariableData[{number}].{part}.{word}"
    if action == "SetNetworkProfile" and "basicAuthPassword" in payload["connectionData"]:
        return "connectionData.basicAuthPassword"
    return ""


def _is_password(name: str) -> bool:
    return any(_squeezed(part) in _PASSWORDS for part in (name, *_PARTS.split(name)))
