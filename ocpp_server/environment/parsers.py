"""Parsers of environment variables: text in, value out.

Each parser raises ValueError with the reason; `env.read` adds the name of the variable. Durations are written
as in Go (`30s`, `1m30s`, `72h`, and also `30d`) and parsed into seconds.
"""

from __future__ import annotations

import ipaddress
import re
import zoneinfo
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

ROOT = Path(__file__).resolve().parent.parent.parent

_UNITS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1, "m": 60, "h": 3600, "d": 86400}
_DURATION = re.compile(r"(?:\d+(?:\.\d+)?(?:ns|us|µs|ms|s|m|h|d))+")
_PART = re.compile(r"(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h|d)")
_SIZE = re.compile(r"(\d+)\s*(B|KiB|MiB|GiB|kB|MB|GB)?")
_SIZES = {
    None: 1, "B": 1, "kB": 1000, "KiB": 1024, "MB": 1000**2, "MiB": 1024**2, "GB": 1000**3, "GiB": 1024**3
}  # fmt: skip
_MAX_PORT = 65535
_MIN_SECRET = 32
# The files of keys repeat the hash of the passphrase only 2,048 times (PKCS#8 of OpenSSL).
_MIN_PASSPHRASE = 20


def text(value: str) -> str:
    return value


def boolean(value: str) -> bool:
    lowered = value.lower()
    if lowered in {"1", "true", "yes", "on"}:
        return True
    if lowered in {"0", "false", "no", "off", ""}:
        return False
    raise ValueError(f"{value!r} is neither true nor false (write 1 or 0)")


def port(value: str) -> int:
    if not value.isascii() or not value.isdigit() or not 1 <= int(value) <= _MAX_PORT:
        raise ValueError(f"{value!r} is not a port number from 1 to {_MAX_PORT}")
    return int(value)


def port_or_none(value: str) -> int:
    return 0 if value == "0" else port(value)


def port_or_off(value: str) -> int:
    """The number of a port; 0 for `off`."""
    return 0 if value == "off" else port(value)


def header_name(value: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9-]{0,100}", value):
        raise ValueError(f"{value!r} is not the name of a header: use letters, digits and hyphens")
    return value


def duration(value: str) -> int | float:
    """The seconds of a duration as in Go; a bare number is seconds. Whole seconds are an int."""
    if re.fullmatch(r"\d+(?:\.\d+)?", value):
        seconds = float(value)
    elif _DURATION.fullmatch(value):
        seconds = sum(float(number) * _UNITS[unit] for number, unit in _PART.findall(value))
    else:
        raise ValueError(f"{value!r} is not a duration such as 30s, 1m30s, 72h or 30d")
    return int(seconds) if seconds == int(seconds) else round(seconds, 9)


def positive_duration(value: str) -> int | float:
    seconds = duration(value)
    if seconds <= 0:
        raise ValueError(f"{value!r} must be longer than nothing")
    return seconds


def whole_seconds(value: str) -> int:
    """A duration that is sent to stations: OCPP uses whole seconds."""
    seconds = positive_duration(value)
    if not isinstance(seconds, int):
        raise ValueError(f"{value!r} must be a whole number of seconds")
    return seconds


def web_payment_period(value: str) -> int:
    """OCPP 2.1 C25: a station keeps an EVSE for a payment for at most 300 s."""
    if not 10 <= (seconds := whole_seconds(value)) <= 300:
        raise ValueError(f"{value!r} must be 10s to 5m")
    return seconds


def event_retention(value: str) -> int | float:
    """At least three days, so that a consumer that was away for a weekend misses nothing."""
    if (seconds := duration(value)) < 3 * 86400:
        raise ValueError(f"{value!r} must be at least 3d")
    return seconds


def event_interval(value: str) -> int | float:
    seconds = duration(value)
    if seconds and not 10 <= seconds <= 900:
        raise ValueError(f"{value!r} must be 0 (never) or 10s to 900s")
    return seconds


def size(value: str) -> int:
    found = _SIZE.fullmatch(value)
    if not found or int(found[1]) < 1:
        raise ValueError(f"{value!r} is not a size such as 1048576, 512KiB or 1MiB")
    return int(found[1]) * _SIZES[found[2]]


def count(value: str) -> int:
    """A number of things, 0 included."""
    if not value.isascii() or not value.isdigit():
        raise ValueError(f"{value!r} is not a number such as 200")
    return int(value)


def positive_count(value: str) -> int:
    if (number := count(value)) < 1:
        raise ValueError(f"{value!r} must be at least 1")
    return number


def one_of(*choices: str) -> Callable[[str], str]:
    def parse(value: str) -> str:
        lowered = value.lower()
        for choice in choices:
            if lowered == choice.lower():
                return choice
        raise ValueError(f"{value!r} is not one of {', '.join(choice or 'empty' for choice in choices)}")

    return parse


def names(value: str) -> list[str]:
    return [name.strip() for name in value.split(",") if name.strip()]


def hosts(value: str) -> frozenset[str]:
    """Hosts, each as `host`, `host:port` or `[v6]:port`; in the spelling in which URLs are compared."""
    found = set()
    for name in names(value):
        try:
            parts = urlsplit(f"//{name}")
            host, number = parts.hostname, parts.port
        except ValueError:
            host, number = None, None
        if not host or parts.path or "@" in name or number == 0:
            raise ValueError(f"{name!r} is not a host such as ocsp.example.internal or 10.0.0.7:8080")
        found.add(host if number is None else f"{host}:{number}")
    return frozenset(found)


def networks(value: str) -> tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]:
    """IP networks or single addresses; `none` is no network."""
    found = []
    for name in names(value) if value.lower() != "none" else []:
        try:
            found.append(ipaddress.ip_network(name))
        except ValueError:
            raise ValueError(f"{name!r} is not a network such as 10.1.0.0/16") from None
    return tuple(found)


def folder(value: str) -> Path:
    if not value:
        raise ValueError("it is empty; name a folder")
    return (ROOT / Path(value).expanduser()).resolve()


def file(value: str) -> Path | None:
    return folder(value) if value else None


def address(value: str) -> tuple[str, int]:
    """Host and port of `host:port`, `host` or `[v6]:port`; the port of Redis where none is given."""
    try:
        parts = urlsplit(f"//{value}")
        host, number = parts.hostname, parts.port
    except ValueError:
        host, number = None, None
    if not host or parts.path or "@" in value:
        raise ValueError(f"{value!r} is not an address such as localhost:6379")
    return host, number or 6379


def public_url(value: str) -> str:
    if not value:
        return ""
    parts = urlsplit(value)
    if (
        parts.scheme not in {"http", "https"}
        or not parts.hostname
        or parts.path not in {"", "/"}
        or parts.query
    ):
        raise ValueError(f"{value!r} is not an address such as https://csms.example.com")
    return f"{parts.scheme}://{parts.netloc}"


def mqtt_url(value: str) -> str:
    if not value:
        return ""
    parts = urlsplit(value)
    try:
        is_address = parts.scheme in {"mqtt", "mqtts"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_address = False
    if not is_address or parts.path not in {"", "/"} or parts.query or parts.fragment:
        # Without the value, which may contain a password.
        raise ValueError("is not an address such as mqtt://user:password@broker:1883")
    return value


def mqtt_topic(value: str) -> str:
    if not re.fullmatch(r"([A-Za-z0-9_.-]+(/[A-Za-z0-9_.-]+)*)?", value):
        raise ValueError(f"{value!r} is not a topic such as ocpp or home/ocpp")
    return value


def proxies(value: str) -> str:
    """Addresses and networks, or `*` for all, in the spelling of uvicorn."""
    for name in names(value):
        if name != "*":
            try:
                ipaddress.ip_network(name)
            except ValueError:
                raise ValueError(f"{name!r} is neither an address nor a network such as 10.0.0.0/8") from None
    return ",".join(names(value))


def listen_addresses(value: str) -> tuple[str, ...]:
    """Addresses of this machine, each once. IPv6 may stand in brackets."""
    found = []
    for name in names(value):
        try:
            bare = name[1:-1] if name.startswith("[") and name.endswith("]") else name
            found.append(str(ipaddress.ip_address(bare)))
        except ValueError:
            raise ValueError(f"{name!r} is not an address such as 0.0.0.0, :: or 192.0.2.10") from None
    if not found:
        raise ValueError("it names no address")
    return tuple(dict.fromkeys(found))


def origins(value: str) -> list[str]:
    """Texts of the header Origin, as they are: `https://app.example.com`, `null`; `*` alone is all."""
    found = []
    for name in names(value):
        if "*" in name and name != "*":
            raise ValueError(f"{name!r} must be a whole origin; * stands alone and allows all")
        if not name.isascii() or not name.isprintable() or " " in name:
            raise ValueError(f"{name!r} holds a character that no Origin has")
        if name.lower().startswith(("http://", "https://")):
            _check_web_origin(name)
        found.append(normal_origin(name))
    return found


def _check_web_origin(name: str) -> None:
    try:
        parts = urlsplit(name)
        is_wrong = not parts.hostname or parts.port == 0
    except ValueError:
        is_wrong = True
    if is_wrong:
        raise ValueError(f"{name!r} is not an origin such as https://app.example.com")


def normal_origin(value: str) -> str:
    """An origin as origins are compared: without case, default port and closing slash."""
    lowered = value.strip().lower()
    for scheme, default_port in (("http://", ":80"), ("https://", ":443")):
        if lowered.startswith(scheme):
            return lowered.removesuffix("/").removesuffix(default_port)
    return "file://" if lowered == "file:///" else lowered


def time_zone(value: str) -> str:
    # Compare with the list, because ZoneInfo opens any file that the name leads to.
    if value not in zoneinfo.available_timezones() | {"UTC"}:
        raise ValueError(f"{value!r} is not a time zone such as Europe/Berlin")
    return value


def secret(value: str) -> str:
    if value and len(value) < _MIN_SECRET:
        raise ValueError(f"it has {len(value)} characters and needs at least {_MIN_SECRET} random ones")
    return value


def secrets(value: str) -> list[str]:
    return [secret(name) for name in names(value)]


def passphrase(value: str) -> str:
    if value and len(value) < _MIN_PASSPHRASE:
        raise ValueError(f"it has {len(value)} characters and needs at least {_MIN_PASSPHRASE} random ones")
    return value


def database_url(value: str) -> str:
    scheme = urlsplit(value).scheme
    if value and scheme not in {"postgres", "postgresql", "sqlite"}:
        raise ValueError(
            "it must be postgresql://user:password@host:5432/name or sqlite:///path, or be left empty"
        )
    return value


def api_key(value: str) -> str:
    if value and (len(value) < 16 or not value.isascii() or any(c.isspace() for c in value)):
        raise ValueError("it must be at least 16 printable characters without spaces")
    return value
