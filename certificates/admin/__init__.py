"""The admin of certificates. `menu` registers its entries."""

from certificates.admin import installed, menu, root_set, trust_root

__all__ = ["installed", "menu", "root_set", "trust_root"]
