"""The tariffs of stations, the costs of sessions, and payments."""

from tariffs.models.payment import Payment
from tariffs.models.session_cost import SessionCost
from tariffs.models.station_tariff import StationTariff
from tariffs.models.web_payment import WebPayment, WebPaymentKey

__all__ = ["Payment", "SessionCost", "StationTariff", "WebPayment", "WebPaymentKey"]
