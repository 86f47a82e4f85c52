"""The rule for secrets, used by all code that stores, shows or logs values of a payload.

A text or number is a secret when

1. its path is one of the `secret_paths` of its action in THE TABLE, or
2. its name matches: the name of a property, of a 1.6 key, of a 2.x component or variable, or any name inside
   a DataTransfer, or
3. OCPP_SECRET_KEYS names it.

`observability.masking` makes copies without secrets; it also masks the user and password of an address, and
what makes an address of UPLOADS, FIRMWARE, RECEIPTS, ACKNOWLEDGE or CHARGE secret.
idTags and idTokens are not secrets here: operators work with them, and the logs shorten them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any, Final

from .actions import ACTIONS, FREE

# Names of OCPP have at most 50 characters. A longer name is not cached, and only _SECRET_ANYWHERE is applied.
_LONGEST_NAME = 200

_PARTS = re.compile(r"[.\[\]/:]+")
# camelCase, WPA2PSK and snake_case have the same words.
_WORD_STARTS = re.compile(
    r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|(?<=[A-Za-z])(?=[0-9])|(?<=[0-9])(?=[A-Za-z])"
)
_NOT_WORD = re.compile(r"[\W_]+")

# Matched anywhere in the name after its words were joined. A public key is no secret, and a keyboard is no
# key.
_SECRET_ANYWHERE = re.compile(
    r"passw(?:or[dt]|d)|passphrase|passcode|passkey|kennwort|secret|credential|connectionstring"
    r"|(?:private|priv|authorization|auth|api|access|shared|encryption|encrypt|decryption|decrypt|master|wifi"
    r"|wlan|wpa[0-9]?|wep|vpn|network|security|session|hmac|aes[0-9]*|signing|account|storage|symmetric)"
    r"key(?!board|pad)"
    r"|(?:access|auth|api|bearer|refresh|sas|security|session|push|login)token"
    r"|(?:sim|user|admin|card|service|unlock)pin(?:[0-9]|$)|pincode"
    r"|(?:ftp|http|user|wifi|wlan|mqtt|auth|login|admin|web|smtp|sim|root|vpn)pass(?:[0-9]|$)"
)
# Matched as whole words, which are joined by "_": some anywhere, some only at the end (a PIN pad is no PIN).
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
    "pass", "secret", "key", "token", "credential", "psk", "pin", "apn", "pw", "puk", "otp",
    "kennwort", "connectionstring",
)  # fmt: skip

# Properties that hold the value of a key or variable, whose name is in another property of the same object.
_VALUE = re.compile(r"value|^(?:val|v|data|content|text|default)$", re.IGNORECASE)
# Properties with a station's remark about a value, which may repeat the value.
_REMARK = re.compile(r"^(?:additionalInfo|techInfo)$")
# Properties that hold the name of a key or variable.
NAMING: Final = frozenset(
    {"key", "keyname", "name", "variable", "variablename", "parameter", "param", "setting", "field",
     "property", "attribute", "option", "item", "id"}
)  # fmt: skip

# The paths to which stations upload files, from which they download firmware, and at which drivers read their
# receipts: /uploads/<number>/<secret>/<name>.
UPLOADS: Final = "/uploads/"
FIRMWARE: Final = "/firmware/"
RECEIPTS: Final = "/receipts/"
# The path of the link in a mail that acknowledges an alert: /alerts/acknowledge/<number>/<secret>.
ACKNOWLEDGE: Final = "/alerts/acknowledge/"
# The path of a QR code: /charge/<station>/<EVSE>/<password>.
CHARGE: Final = "/charge/"

Paths = Mapping[str, Any]  # property name -> the paths below it, empty at the end of a path


class _Configured:
    """The names of OCPP_SECRET_KEYS in lower case, without punctuation."""

    names: frozenset[str] = frozenset()


def configure(names: Iterable[str]) -> None:
    """Treat these names as secrets too: whole keys, variables or `Component.Variable`, in any case."""
    _Configured.names = frozenset(filter(None, (_normalised(name) for name in names)))
    _is_secret.cache_clear()


def configured() -> bool:
    """Whether OCPP_SECRET_KEYS names any: then a text without HINTS may hold a secret name too."""
    return bool(_Configured.names)


def is_secret_name(name: str) -> bool:
    """Whether the value of this name is a secret: a property, a key or `Component[instance].Variable`."""
    if len(name) > _LONGEST_NAME:
        return _SECRET_ANYWHERE.search(_normalised(name)) is not None
    return _is_secret(name)


@lru_cache(maxsize=8192)
def _is_secret(name: str) -> bool:
    if _Configured.names and _normalised(name) in _Configured.names:
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


def _normalised(name: str) -> str:
    return _NOT_WORD.sub("", name).casefold()


def holds_value(name: str) -> bool:
    """Whether a property holds the value of a key named beside it: `value`, `attributeValue`, `data`."""
    return _VALUE.search(name) is not None


def is_remark(name: str) -> bool:
    """Whether a property is a station's remark, which may repeat a value."""
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
# Actions that may hold secrets in fields of their schemas. The other actions may hold them only in fields
# that their schemas do not know.
MAY_HOLD_SECRETS: Final = frozenset(_PATHS)


def paths_of(action: str) -> Paths:
    """The secret paths of an action as a tree of property names; indexes of lists are left out."""
    return _PATHS.get(action, NO_PATHS)


def is_secret_path(action: str, names: Iterable[str]) -> bool:
    """Whether THE TABLE names the value at this path, or an object above it, as a secret."""
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
    """The field of a valid outgoing request that sets the station's connection password, or "".

    AuthorizationKey (1.6) and BasicAuthPassword (2.x) of any component, in any spelling; and the network
    profile of 2.1, whose password takes effect with the profile.
    """
    if action == "ChangeConfiguration":
        return "key" if is_password_name(payload["key"]) else ""
    if action == "SetVariables":
        for number, item in enumerate(payload["setVariableData"]):
            for part in ("variable", "component"):
                for word in ("name", "instance"):
                    if is_password_name(item[part].get(word, "")):
                        return f"setVariableData[{number}].{part}.{word}"
    if action == "SetNetworkProfile" and "basicAuthPassword" in payload["connectionData"]:
        return "connectionData.basicAuthPassword"
    return ""


def is_password_name(name: str) -> bool:
    """Whether a key, variable or component of this name holds the station's connection password."""
    return any(_normalised(part) in _PASSWORDS for part in (name, *_PARTS.split(name)))
