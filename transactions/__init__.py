"""Charging: authorization, transactions, meter values, remote control."""
