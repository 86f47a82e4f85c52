"""The settings of prices and payments: a part of the table in `table.py`. Standard library only."""

from __future__ import annotations

from ocpp_server.environment.parsers import duration, one_of, positive_duration, web_payment_period
from ocpp_server.environment.variable import Variable

_GROUP = "Prices and payments"

PAYMENT_VARIABLES: tuple[Variable, ...] = (
    Variable(
        "OCPP_PRICE",
        "",
        str.strip,
        "The function that knows the cost of a session, by its import path: "
        "docs.examples.price_per_kwh.total. 2.x stations get this cost in the answers to their events. "
        "Empty: no price is known, and none is sent.",
        _GROUP,
    ),
    Variable(
        "OCPP_COST_INTERVAL",
        "1m",
        duration,
        "How often the cost of a running session is compared with the one that its 2.x station got last; "
        "another one is sent with CostUpdated. Stations that send an event with each reading get it with the "
        "answer before. 0: never.",
        _GROUP,
    ),
    Variable(
        "OCPP_DRIVER_TARIFF",
        "",
        str.strip,
        "The function that knows the tariff of a driver, by its import path: "
        "docs.examples.driver_tariff.of_token. 2.1 stations get it with the answer to Authorize. Empty: "
        "every driver has the default tariff of the station.",
        _GROUP,
    ),
    Variable(
        "OCPP_VAT_CHECKER",
        "",
        str.strip,
        "The function that looks up VAT numbers, by its import path. Empty: a number is accepted if it has "
        "the form of its country, and the answer says that only the form was checked.",
        _GROUP,
    ),
    Variable(
        "OCPP_VAT_TIMEOUT",
        "10s",
        positive_duration,
        "Time for that function; then the number is rejected, because it can't be looked up. It should be "
        "shorter than the stations wait for an answer.",
        _GROUP,
    ),
    Variable(
        "OCPP_WEB_PAYMENTS",
        "",
        str.strip,
        "The function that opens a payment on the web for the QR code of a 2.1 station, by its import "
        "path: docs.examples.web_payments.open_payment. Empty: the page of a code says that there are no "
        "such payments.",
        _GROUP,
    ),
    Variable(
        "OCPP_WEB_PAYMENTS_TIMEOUT",
        "10s",
        positive_duration,
        "Time for that function; then the page says that paying is not possible now.",
        _GROUP,
    ),
    Variable(
        "OCPP_WEB_PAYMENTS_PERIOD",
        "5m",
        web_payment_period,
        "Time for the driver to pay, 10 s to 5 min. The station keeps the EVSE for so long.",
        _GROUP,
    ),
    Variable(
        "OCPP_TOTP_ALPHABET",
        "62",
        one_of("62", "61"),
        "The alphabet of the passwords in QR codes: 62 for digits, small and capital letters; 61 for the one "
        "that OCPP 2.1 prints, which has no small letter o.",
        _GROUP,
    ),
)
