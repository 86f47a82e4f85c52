"""The admin of certificates. `menu` registers its entries."""

from certificates.admin import installed, menu, trust_root

__all__ = ["installed", "menu", "trust_root"]
