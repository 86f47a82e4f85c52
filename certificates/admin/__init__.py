"""The admin of certificates. `menu` registers its entries."""
