"""The default tariffs of a simulated station (2.1 I07-I10)."""

from typing import Any

MOST_PRICES = 10  # TariffCostCtrlr.MaxElements[Tariff]


class Tariffs:
    """The tariffs of each EVSE, the newest last. A tariff with ``validFrom`` waits beside the current one."""

    def __init__(self) -> None:
        self.installed: dict[int, dict[str, dict[str, Any]]] = {}

    def refusal(self, evses: list[int], tariff: dict[str, Any]) -> str:
        """The status that refuses a tariff; empty for one that can be installed."""
        name = tariff["tariffId"]
        known = [of_evse[name] for of_evse in self.installed.values() if name in of_evse]
        if any(one != tariff for one in known):
            return "DuplicateTariffId"
        return too_many(tariff)

    def install(self, evses: list[int], tariff: dict[str, Any]) -> None:
        for evse in evses:
            before = self.installed.get(evse, {})
            kept = before if "validFrom" in tariff else {k: v for k, v in before.items() if "validFrom" in v}
            self.installed[evse] = kept | {tariff["tariffId"]: tariff}

    def assignments(self, evse: int) -> list[dict[str, Any]]:
        """The tariffs of an EVSE, or of all (0), each with its EVSEs."""
        found: dict[str, dict[str, Any]] = {}
        for number, tariffs in sorted(self.installed.items()):
            for name, tariff in tariffs.items() if evse in (0, number) else ():
                one = found.setdefault(name, {"tariffId": name, "tariffKind": "DefaultTariff", "evseIds": []})
                one["evseIds"].append(number)
                if "validFrom" in tariff:
                    one["validFrom"] = tariff["validFrom"]
        return list(found.values())

    def clear(self, names: list[str] | None, evse: int) -> list[str]:
        """Remove tariffs by id and EVSE. Returns the ids of the removed ones."""
        gone: dict[str, None] = {}
        for number, tariffs in self.installed.items():
            if evse in (0, number):
                for name in [one for one in tariffs if names is None or one in names]:
                    del tariffs[name]
                    gone[name] = None
        return list(gone)


def too_many(tariff: dict[str, Any]) -> str:
    """TooManyElements for a tariff with more prices of a kind than the station takes; empty otherwise."""
    counts = [len(part["prices"]) for part in tariff.values() if isinstance(part, dict) and "prices" in part]
    return "TooManyElements" if max(counts, default=0) > MOST_PRICES else ""
