"""The OCPP versions of simulated stations and their subprotocols."""

V16 = "1.6"
V201 = "2.0.1"
V21 = "2.1"
VERSIONS = (V16, V201, V21)

SUBPROTOCOL = {V16: "ocpp1.6", V201: "ocpp2.0.1", V21: "ocpp2.1"}


def parse_versions(text: str) -> tuple[str, ...]:
    """Parse a comma-separated list of versions such as ``1.6,2.0.1``. Raises ValueError for an unknown
    version.
    """
    versions = tuple(part.strip() for part in text.split(",") if part.strip())
    unknown = [version for version in versions if version not in VERSIONS]
    if unknown or not versions:
        raise ValueError(
            f"unknown OCPP version {', '.join(unknown) or repr(text)}; known: {', '.join(VERSIONS)}"
        )
    return versions
