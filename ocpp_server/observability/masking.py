"""Copies of payloads with masked secrets, for code that stores, shows or logs them.

`protocol.secrets` defines the secrets. Nothing else changes: a text without secrets is returned as it is, and
numbers keep their digits.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Iterable
from typing import Any, Final, NamedTuple

import orjson

from ocpp_server.observability import addresses
from ocpp_server.protocol import broken_text, secrets
from ocpp_server.protocol.secrets import MAY_HOLD_SECRETS, NO_PATHS, Paths, is_secret_name, paths_of

MASK: Final = addresses.MASK
# The end of a text of which only the beginning can be shown.
CUT: Final = "…"

_DEPTH = 64  # a frame of a station has 32 levels at most; deeper values are masked whole
_NESTED = 4  # the limit of levels of JSON inside of JSON strings
_SHORTEST_ECHO = 6  # a shorter secret is found in too many texts that do not repeat it
_LONGEST_NAME = 64
_PAIR_LENGTH = 2
_DESCRIBED = frozenset({"component", "variable"})  # objects that name a key and hold no value
# The limits for one text: hints, and words where OCPP_SECRET_KEYS is set. A longer text is masked whole.
_MAX_NAMES, _MAX_WORDS = 200, 10_000

# The header of a call: its type, its id, and its action.
_CALL = re.compile(r'\s*\[\s*[26]\s*,\s*"[^"]{0,64}"\s*,\s*"([A-Za-z0-9]{1,64})"')
# The content of a signed message (2.x part 4, chapter 7), in base64url.
_SIGNED = re.compile(r'("payload"\s*:\s*")[^"\\]*')
_PRIVATE_KEY = re.compile(
    r"(-----BEGIN [A-Z ]*PRIVATE KEY-----).*?(-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.DOTALL
)
_PAIR = re.compile(r"\s*+[\"']?([\w.\-\[\]]{1,200})[\"']?\s*+[=:]\s*+")
_ELEMENT = re.compile(r"(<([\w.:\-]{1,200})(?:\s[^<>]*)?>)([^<>]+)(?=</\2\s*>)")
_HINTS = re.compile("|".join(map(re.escape, secrets.HINTS)))
_WORD = re.compile(r"[\w.\-\[\]]")
_NAME = re.compile(r"[\w.\-\[\]:/]{1,120}")
_ASSIGNED = re.compile(r"[\"'\]]*+\s*+[=:]\s*+\S")


def masked(payload: Any, action: str = "", *, echoes: Iterable[str] = ()) -> Any:
    """A copy of a payload with masked secrets. It is a request or answer of `action`.

    `echoes` are the secrets of the request that the payload answers, see `secrets_in`.
    """
    return _Copy(echoes).of(payload, _top(action))


def masked_text(text: str, action: str = "", *, is_known: bool = False, echoes: Collection[str] = ()) -> str:
    """The JSON text of a payload with masked secrets. A text that is not JSON is masked as in `masked_frame`.

    `is_known`: the payload was validated and has only fields of its schema. This runs for every message.
    """
    if action not in MAY_HOLD_SECRETS and not echoes:
        if is_known:
            # All names are those of the schema, so only customData and addresses may contain a secret. There
            # is no loop, because this searches every message.
            if "customData" not in text and not _may_hold_address(text):
                return text
        elif not _may_hold_secret(text):
            return text
    return _masked(text, action, echoes)


def masked_frame(text: str) -> str:
    """A frame with masked secrets. Only a call names its action.

    Of a frame that is not JSON only the values before the fault are returned, followed by CUT. A text that
    does not begin as JSON is masked whole if it names a secret. So is the content of a signed message.
    """
    if '"protected"' in text:
        text = _SIGNED.sub(rf"\1{MASK}", text)
    header = _CALL.match(text)
    return _masked(text, header[1] if header else "", ())


def _masked(text: str, action: str, echoes: Collection[str]) -> str:
    copy = _Copy(echoes)
    try:
        # Numbers stay as they were written: 1.10 does not become 1.1.
        payload = json.loads(text, parse_float=_written, parse_int=_written)
        found = copy.of(payload, _top(action))
        return orjson.dumps(found).decode() if copy.has_hidden else text
    except (ValueError, TypeError, RecursionError):
        return _masked_beginning(text, action, echoes).replace("\x00", "\ufffd")


def _masked_beginning(text: str, action: str, echoes: Collection[str]) -> str:
    """The values of a broken JSON text up to the fault, with masked secrets."""
    if text.lstrip("\ufeff \t\r\n\x00")[:1] not in ("[", "{"):
        return _Copy(echoes).text(text, is_free=True)
    read = broken_text.beginning(text[: broken_text.LONGEST])
    copy = _Copy(echoes)
    for unfinished in filter(_is_object, read.open):
        for name, value in unfinished.items():
            # The name of the key that a value belongs to may have followed it.
            is_doubtful = secrets.holds_value(name) or secrets.is_remark(name)
            if is_doubtful and not any(value is container for container in read.open):
                unfinished[name] = copy.hide(value)
    found = copy.of(read.value, _top(action))
    shown, is_whole = text[: read.end], not text[read.end :].strip(" \t\r\n\x00")
    if copy.has_hidden or not read.is_exact:
        shown = orjson.dumps(found).decode()  # `broken_text` leaves no lone surrogates
        shown = shown[: len(shown) - len(read.open)]
        is_whole = is_whole and not read.open  # more may have followed in what has no end
    return shown if is_whole else shown + CUT


def masked_words(text: str, *, echoes: Iterable[str] = ()) -> str:
    """A text of a station or library without the secrets in addresses and `name=value`. A name stays."""
    return _Copy(echoes).text(text, is_free=False)


def secrets_in(payload: Any, action: str) -> frozenset[str]:
    """The secret texts of a request, if they are long enough to be found where its answer repeats them."""
    if action not in MAY_HOLD_SECRETS:
        return frozenset()
    copy = _Copy()
    copy.of(payload, _top(action))
    return frozenset(text for text in copy.texts if len(text) >= _SHORTEST_ECHO)


def _written(number: str) -> orjson.Fragment:
    return orjson.Fragment(number)


def _may_hold_secret(text: str) -> bool:
    """Whether a text must be parsed to find secrets. Most texts need not, and are stored unchanged."""
    return _may_hold_address(text) or secrets.configured() or _hints_at_secret(text)


def _may_hold_address(text: str) -> bool:
    """Whether a JSON text may hold an address with a login, or one of this server. A slash may be escaped."""
    return "@" in text or "uploads" in text or "\\u" in text or "firmware/" in text or "firmware\\/" in text


def _hints_at_secret(text: str) -> bool:
    # An idToken is no secret, and many messages have one.
    folded = text.casefold().replace("idtoken", "")
    # A plain loop: a regular expression or a generator takes several times as long.
    for hint in secrets.HINTS:  # noqa: SIM110
        if hint in folded:
            return True
    return False


class _Context(NamedTuple):
    """The place of a value in a payload.

    `is_secret`: the whole value is a secret. `is_named`: it belongs to a key or variable with the name of a
    secret. `is_free`: it has texts of a vendor, in which a secret may follow its name in any format.
    """

    paths: Paths
    is_secret: bool
    is_named: bool
    is_free: bool
    depth: int


def _top(action: str) -> _Context:
    return _Context(paths_of(action), is_secret=False, is_named=False, is_free=False, depth=0)


_IN_TEXT = _Context(NO_PATHS, is_secret=False, is_named=False, is_free=True, depth=0)


class _Copy:
    """Copies one payload. `has_hidden`: a value was masked. `texts` are the texts that were masked whole."""

    def __init__(self, echoes: Iterable[str] = ()) -> None:
        self.echoes = sorted(echoes, key=len, reverse=True)
        self.has_hidden = False
        self.nested = 0
        self.texts: list[str] = []

    def of(self, value: Any, context: _Context) -> Any:
        """A copy of a value without its secrets."""
        if value is None or isinstance(value, bool) or value == "":
            return value
        if context.depth > _DEPTH:
            return self.hide(value)
        if isinstance(value, list):
            return self._list(value, context)
        if isinstance(value, dict):
            return self._object(value, context)
        if context.is_secret:
            return self.hide(value)
        return self.text(value, is_free=context.is_free) if isinstance(value, str) else value

    def _list(self, items: list[Any], context: _Context) -> list[Any]:
        """In the data of a vendor, an item after the name of a secret is one: ["WifiPSK", "..."]."""
        inside = context._replace(depth=context.depth + 1)
        if not context.is_free or context.is_secret:
            return [self.of(item, inside) for item in items]
        if len(items) == _PAIR_LENGTH and _names_secret(items[0]):
            name = items[0] if _is_bare_name_of_secret(items[0]) else self.of(items[0], inside)
            return [name, self.of(items[1], inside._replace(is_secret=True))]
        found, is_value = [], False
        for item in items:
            found.append(self.of(item, inside._replace(is_secret=is_value)))
            is_value = _is_bare_name_of_secret(item)
        return found

    def _object(self, value: dict[str, Any], context: _Context) -> dict[str, Any]:
        paths, is_named = context.paths, context.is_named or _is_about_secret(value)
        found = {}
        for name, item in value.items():
            if context.is_free and not context.is_secret and _is_name_of_secret(name, item):
                found[name] = item  # the value beside it is hidden
                continue
            step = paths.get(name)
            is_value = is_named and (secrets.holds_value(name) or secrets.is_remark(name))
            inside = _Context(
                step or NO_PATHS,
                is_secret=context.is_secret or step == NO_PATHS or is_value or is_secret_name(name),
                is_named=is_named and name not in _DESCRIBED,
                is_free=context.is_free or name in ("data", "customData"),
                depth=context.depth + 1,
            )
            found[name] = self.of(item, inside)
        return found

    def hide(self, value: Any) -> str:
        """The mask of a value, and a note that there is one."""
        self.has_hidden = True
        if isinstance(value, str):
            self.texts.append(value)
        return MASK

    # -- inside of texts ------------------------------------------------------------------------

    def text(self, text: str, *, is_free: bool) -> str:
        """A text with masked secrets. It is masked whole if it names secrets in an unknown format."""
        found = self._without_echoes(text)
        if found.lstrip()[:1] in ("{", "[", '"'):
            inner = self._inner(found)
            if inner is not None:
                return inner
        if "//" in found or addresses.holds_ours(found):
            found = self._noted(addresses.masked(found), found)
        if "PRIVATE KEY" in found:
            found = self._replaced(_PRIVATE_KEY, rf"\1{MASK}\2", found)
        if not _hints_at_secret(found) and not secrets.configured():
            return found
        if "</" in found:
            found = self._replaced(_ELEMENT, _without_content, found)
        if not _names_in(found, is_free=is_free):
            return found
        pairs = self._pairs(found, is_free)
        return self.hide(text) if pairs is None else pairs

    def _inner(self, text: str) -> str | None:
        """JSON inside of a text, with masked secrets; None for a text that is not JSON, or only a number."""
        if self.nested >= _NESTED:
            return None
        try:
            payload = json.loads(text, parse_float=_written, parse_int=_written)
        except (ValueError, RecursionError):
            return None
        if not isinstance(payload, dict | list | str):
            return None
        before, self.has_hidden = self.has_hidden, False
        self.nested += 1
        found = self.of(payload, _IN_TEXT)
        self.nested -= 1
        if not self.has_hidden:
            self.has_hidden = before
            return text
        try:
            return orjson.dumps(found).decode()
        except TypeError:  # lone surrogates
            return self.hide(text)

    def _pairs(self, text: str, is_free: bool) -> str | None:
        """`a=1&password=x` with masked secrets; None when the text may contain another secret."""
        for separator in ("&", ";", "\n", ","):
            shown = []
            for part in text.split(separator):
                pair = _PAIR.match(part)
                if pair is None:
                    if part.strip():
                        break
                    shown.append(part)
                elif is_secret_name(pair[1]):
                    shown.append(pair[0] + MASK)
                elif _names_in(part[pair.end() :], is_free=is_free):
                    break
                else:
                    shown.append(part)
            else:
                self.has_hidden = True
                return separator.join(shown)
        return None

    def _without_echoes(self, text: str) -> str:
        for echo in self.echoes:
            if echo in text:
                self.has_hidden = True
                text = text.replace(echo, MASK)
        return text

    def _replaced(self, pattern: re.Pattern[str], by: str | Callable[[re.Match[str]], str], text: str) -> str:
        return self._noted(pattern.sub(by, text), text)

    def _noted(self, found: str, text: str) -> str:
        self.has_hidden |= found != text
        return found


def _is_object(value: Any) -> bool:
    return isinstance(value, dict)


def _is_about_secret(value: dict[str, Any]) -> bool:
    """Whether an object gives a value to a key or variable with the name of a secret."""
    for name, item in value.items():
        if isinstance(item, str):
            if name.casefold() in secrets.NAMING and is_secret_name(item):
                return True
        elif (
            name in _DESCRIBED
            and isinstance(item, dict)
            and any(_names_secret(item.get(word)) for word in ("name", "instance"))
        ):
            return True
    return False


def _is_name_of_secret(name: str, item: Any) -> bool:
    """Whether a property holds a key or variable with the name of a secret."""
    return name.casefold() in secrets.NAMING and _is_bare_name_of_secret(item)


def _is_bare_name_of_secret(item: Any) -> bool:
    return isinstance(item, str) and _NAME.fullmatch(item) is not None and is_secret_name(item)


def _names_secret(name: Any) -> bool:
    return isinstance(name, str) and is_secret_name(name)


def _names_in(text: str, *, is_free: bool) -> bool:
    """Whether a text contains the name of a secret: in a text of a vendor as a word, elsewhere with a value
    after it.
    """
    folded = text.casefold()
    if len(folded) != len(text):  # case folding moved the positions; keys have no such characters
        text = folded
    if secrets.configured():
        words = re.findall(r"[\w.\-\[\]]{1,64}", text)
        return len(words) > _MAX_WORDS or any(map(is_secret_name, words))
    end = 0
    for number, hint in enumerate(_HINTS.finditer(folded)):
        if number >= _MAX_NAMES:
            return True
        if hint.start() < end:
            continue
        start, end = hint.start(), hint.end()
        lowest, highest = max(0, start - _LONGEST_NAME), min(len(text), end + _LONGEST_NAME)
        while start > lowest and _WORD.match(text, start - 1):
            start -= 1
        while end < highest and _WORD.match(text, end):
            end += 1
        if text.endswith("</", 0, start) or text.startswith(MASK, _value_at(text, end)):
            continue  # the end of an element, or masked before
        if is_secret_name(text[start:end].strip(".-[]")) and (is_free or _ASSIGNED.match(text, end)):
            return True
    return False


def _value_at(text: str, end: int) -> int:
    """The position of the value after a name."""
    while end < len(text) and text[end] in "\"' =:>":
        end += 1
    return end


def _without_content(match: re.Match[str]) -> str:
    return f"{match[1]}{MASK}" if is_secret_name(match[2]) else match[0]
