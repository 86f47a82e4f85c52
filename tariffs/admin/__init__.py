"""The admin of tariffs, costs and payments. `menu` registers its entries."""

from tariffs.admin import menu, payments, session_costs, station_tariffs, web_payments

__all__ = ["menu", "payments", "session_costs", "station_tariffs", "web_payments"]
