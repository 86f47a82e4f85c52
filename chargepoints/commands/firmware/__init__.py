"""Firmware updates, and firmware that local controllers publish (1.6 4.5, 6.19; 2.x L)."""
