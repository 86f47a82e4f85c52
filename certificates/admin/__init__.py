"""The admin of certificates. `menu` registers its entries."""

from certificates.admin import (
    authorities,
    cards,
    expiring,
    installed,
    issued,
    menu,
    revocation,
    root_set,
    signing_requests,
    trust_root,
)

__all__ = [
    "authorities",
    "cards",
    "expiring",
    "installed",
    "issued",
    "menu",
    "revocation",
    "root_set",
    "signing_requests",
    "trust_root",
]
