"""The admin of certificates. `menu` registers its entries."""

from certificates.admin import installed, menu, revocation, root_set, trust_root

__all__ = ["installed", "menu", "revocation", "root_set", "trust_root"]
from certificates.admin import authorities, issued, menu, signing_requests

__all__ = ["authorities", "issued", "menu", "signing_requests"]
