"""Firmware files: what is checked before one is offered, where it is stored, and its addresses."""
