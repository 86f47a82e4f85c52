"""The settings that bound HTTP requests: a part of the table in `table.py`. Standard library only."""

from __future__ import annotations

from ocpp_server.environment.parsers import boolean, count, positive_duration, size
from ocpp_server.environment.variable import Variable

HTTP = "HTTP requests"

HTTP_VARIABLES: tuple[Variable, ...] = (
    Variable(
        "HTTP_MAX_BODY",
        "1MiB",
        size,
        "The largest body of a request; a larger one is answered with 413 and not read. A proxy in front "
        "should have the same limit.",
        HTTP,
    ),
    Variable(
        "HTTP_MAX_UPLOAD",
        "10MiB",
        size,
        "The largest file that a signed-in operator or the holder of an API key may upload. HTTP_MAX_BODY "
        "applies to other callers there too.",
        HTTP,
    ),
    Variable(
        "HTTP_BODY_TIMEOUT",
        "30s",
        positive_duration,
        "Time for a body to arrive after its headers, for each MiB of it; then the answer is 408 and the "
        "connection is closed.",
        HTTP,
    ),
    Variable(
        "HTTP_ANONYMOUS_PER_ADDRESS",
        "100",
        count,
        "Requests without valid credentials that one client address may have in progress in one process; "
        "beyond it the answer is 429. Stations, probes and the addresses in FORWARDED_ALLOW_IPS "
        "are not counted. 0 is no limit.",
        HTTP,
    ),
    Variable(
        "HTTP_PLAIN_SOCKETS",
        "off",
        boolean,
        "Serve HTTP and WebSockets by uvicorn's own classes instead of ours, which override private parts of "
        "uvicorn and websockets: a way out if a new release of either breaks them. Slower, without the "
        "bounds on headers and on stations that do not read; at the end of the server all stations are "
        "closed at once.",
        HTTP,
    ),
)
