"""Tariffs, costs and payments: the messages about them and what is stored of them (OCPP 2.x I, 2.1 C24)."""
