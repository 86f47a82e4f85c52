"""The device model of a simulated 2.x station: components, variables, and reading and writing them."""

from typing import Any

from simulator.settings import MEASURANDS, Variable, _Reader, csv, flag, integer, words

Name = tuple[str, int | None, str]  # component (with its instance in brackets), EVSE or None, variable
Place = tuple[str, int | None]  # component, EVSE or None
# The slots for network profiles of a 2.1 station beside the one in use.
FREE_SLOTS = (1, 2)

VARIABLE_OF: dict[str, Name] = {
    "heartbeat_interval": ("OCPPCommCtrlr", None, "HeartbeatInterval"),
    "sample_interval": ("SampledDataCtrlr", None, "TxUpdatedInterval"),
    "sampled": ("SampledDataCtrlr", None, "TxUpdatedMeasurands"),
    "sampled_at_end": ("SampledDataCtrlr", None, "TxEndedMeasurands"),
    "attempts": ("OCPPCommCtrlr", None, "MessageAttempts"),
    "retry_interval": ("OCPPCommCtrlr", None, "MessageAttemptInterval"),
    "connection_timeout": ("TxCtrlr", None, "EVConnectionTimeOut"),
    "authorize_remote": ("AuthCtrlr", None, "AuthorizeRemoteStart"),
    "stop_on_invalid": ("TxCtrlr", None, "StopTxOnInvalidId"),
    "offline_unknown": ("AuthCtrlr", None, "OfflineTxForUnknownIdEnabled"),
    "authorize_offline": ("AuthCtrlr", None, "LocalAuthorizeOffline"),
    "pre_authorize": ("AuthCtrlr", None, "LocalPreAuthorize"),
    "local_list": ("LocalAuthListCtrlr", None, "Enabled"),
    "list_items": ("LocalAuthListCtrlr", None, "ItemsPerMessage"),
    "priority": ("OCPPCommCtrlr", None, "NetworkConfigurationPriority"),
    "connect_attempts": ("OCPPCommCtrlr", None, "NetworkProfileConnectionAttempts"),
    "organization": ("SecurityCtrlr", None, "OrganizationName"),
    "profile": ("SecurityCtrlr", None, "SecurityProfile"),
    "chain_limit": ("SecurityCtrlr", None, "MaxCertificateChainSize"),
    "checks_roots": ("SecurityCtrlr", None, "AdditionalRootCertificateCheck"),
    "signing_wait": ("SecurityCtrlr", None, "CertSigningWaitMinimum"),
    "signing_repeats": ("SecurityCtrlr", None, "CertSigningRepeatTimes"),
    "may_go_down": ("SecurityCtrlr", None, "AllowSecurityProfileDowngrade"),
    "plug_and_charge": ("ISO15118Ctrlr", None, "PnCEnabled"),
    "central_validation": ("ISO15118Ctrlr", None, "CentralContractValidationAllowed"),
    "validation_offline": ("ISO15118Ctrlr", None, "ContractValidationOffline"),
    "secc_id": ("ISO15118Ctrlr", None, "SeccId"),
    "secc_organization": ("ISO15118Ctrlr", None, "OrganizationName"),
    "certificates": ("SecurityCtrlr", None, "CertificateEntries"),
    "country": ("ISO15118Ctrlr", None, "CountryName"),
}
# Settings that are limits of a variable.
LIMIT_OF: dict[str, Name] = {
    "list_length": ("LocalAuthListCtrlr", None, "Entries"),
    "store_limit": ("SecurityCtrlr", None, "CertificateEntries"),
}


def _number(value: int, low: int = 0, high: int = 2**31 - 1, **more: Any) -> Variable:
    return Variable(str(value), integer(low, high), "integer", extra={"minLimit": low}, **more)


def _boolean(value: bool, **more: Any) -> Variable:
    return Variable(str(value).lower(), flag, "boolean", **more)


def _fixed(value: object, kind: str = "string", **more: Any) -> Variable:
    return Variable(str(value), words(2500), kind, "ReadOnly", **more)


def place_of(component: dict[str, Any]) -> Place:
    """Return the place of a component on the wire."""
    instance = f"[{component['instance']}]" if component.get("instance") else ""
    return f"{component['name']}{instance}", component.get("evse", {}).get("id")


def network_variables(slot: int) -> dict[Name, Variable]:
    """Return the variables of one slot for a network profile (2.1 B09)."""
    table = {
        "OcppCsmsUrl": Variable("", words(2000)),
        "OcppInterface": Variable("Any", words(20), "OptionList"),
        "OcppTransport": Variable("JSON", csv({"JSON"}), "OptionList", choices="JSON"),
        "OcppVersion": Variable("OCPP21", words(20), "OptionList"),
        "MessageTimeout": _number(30, 1, unit="s"),
        "SecurityProfile": _number(1, 1, 3),
        "Identity": Variable("", words(48)),
        "BasicAuthPassword": Variable("", lambda text: 16 <= len(text) <= 64, "string", "WriteOnly"),
        "ApnEnabled": _boolean(False),
        "Apn": Variable("", words(2000)),
        "ApnUserName": Variable("", words(50)),
        "ApnPassword": Variable("", words(64), "string", "WriteOnly"),
        "ApnAuthentication": Variable("AUTO", csv({"PAP", "CHAP", "NONE", "AUTO"}), "OptionList"),
        "VpnEnabled": _boolean(False),
    }
    return {(f"NetworkConfiguration[{slot}]", None, name): variable for name, variable in table.items()}


def downgrade_variable() -> dict[Name, Variable]:
    """Return the variable that allows the change from security profile 3 to 2 (2.1 A05.FR.08)."""
    return {VARIABLE_OF["may_go_down"]: _boolean(False)}


def standard_variables(
    *, vendor: str, model: str, serial: str, firmware: str, evses: int, power_w: int
) -> dict[Name, Variable]:
    """Return the variables of a new 2.x station (2.0.1 part 2, appendix 3.1)."""
    measurands = csv(MEASURANDS)
    sampled = "Energy.Active.Import.Register,Power.Active.Import,Current.Import,Voltage,SoC"
    table: dict[Name, Variable] = {
        ("ChargingStation", None, "VendorName"): _fixed(vendor),
        ("ChargingStation", None, "Model"): _fixed(model),
        ("ChargingStation", None, "SerialNumber"): _fixed(serial),
        ("ChargingStation", None, "FirmwareVersion"): _fixed(firmware),
        ("ChargingStation", None, "Available"): _fixed("true", "boolean"),
        ("ChargingStation", None, "AvailabilityState"): _fixed("Available", "OptionList"),
        ("OCPPCommCtrlr", None, "HeartbeatInterval"): _number(300, 1, unit="s"),
        ("OCPPCommCtrlr", None, "NetworkConfigurationPriority"): Variable(
            "0", words(), "SequenceList", reboot=True
        ),
        ("OCPPCommCtrlr", None, "NetworkProfileConnectionAttempts"): _number(3),
        ("OCPPCommCtrlr", None, "OfflineThreshold"): _number(60, unit="s"),
        ("OCPPCommCtrlr", None, "MessageAttempts"): _number(3, 1, instance="TransactionEvent"),
        ("OCPPCommCtrlr", None, "MessageAttemptInterval"): _number(10, unit="s", instance="TransactionEvent"),
        ("OCPPCommCtrlr", None, "MessageTimeout"): _number(30, 1, unit="s", instance="Default"),
        ("OCPPCommCtrlr", None, "ResetRetries"): _number(3),
        ("OCPPCommCtrlr", None, "UnlockOnEVSideDisconnect"): _boolean(True),
        ("OCPPCommCtrlr", None, "WebSocketPingInterval"): _number(60, reboot=True, unit="s"),
        ("SecurityCtrlr", None, "BasicAuthPassword"): Variable(
            "", lambda text: 16 <= len(text) <= 40, "string", "WriteOnly"
        ),
        ("SecurityCtrlr", None, "Identity"): Variable("", words(48)),
        ("SecurityCtrlr", None, "OrganizationName"): Variable("OCPP", words(64)),
        ("SecurityCtrlr", None, "SecurityProfile"): _fixed("1", "integer"),
        ("SecurityCtrlr", None, "CertificateEntries"): _fixed("0", "integer", extra={"maxLimit": 20}),
        ("SecurityCtrlr", None, "AdditionalRootCertificateCheck"): _fixed("false", "boolean"),
        ("SecurityCtrlr", None, "CertSigningRepeatTimes"): _number(3),
        ("SecurityCtrlr", None, "CertSigningWaitMinimum"): _number(60, unit="s"),
        ("SecurityCtrlr", None, "MaxCertificateChainSize"): _fixed("10000", "integer"),
        ("ISO15118Ctrlr", None, "Enabled"): _boolean(True),
        ("ISO15118Ctrlr", None, "PnCEnabled"): _boolean(True),
        ("ISO15118Ctrlr", None, "CentralContractValidationAllowed"): _boolean(True),
        ("ISO15118Ctrlr", None, "ContractValidationOffline"): _boolean(False),
        ("ISO15118Ctrlr", None, "ContractCertificateInstallationEnabled"): _boolean(True),
        ("ISO15118Ctrlr", None, "V2GCertificateInstallationEnabled"): _boolean(True),
        ("ISO15118Ctrlr", None, "SeccId"): Variable("", words(64)),
        ("ISO15118Ctrlr", None, "OrganizationName"): Variable("", words(64)),
        ("ISO15118Ctrlr", None, "CountryName"): Variable("DE", words(2)),
        ("ClockCtrlr", None, "DateTime"): _fixed("", "dateTime"),
        ("ClockCtrlr", None, "TimeSource"): Variable("Heartbeat", csv({"Heartbeat", "NTP"}), "SequenceList"),
        ("DeviceDataCtrlr", None, "ItemsPerMessage"): _fixed("50", "integer", instance="GetVariables"),
        ("DeviceDataCtrlr", None, "BytesPerMessage"): _fixed("65536", "integer", instance="GetVariables"),
        ("AuthCtrlr", None, "Enabled"): _boolean(True),
        ("AuthCtrlr", None, "AuthorizeRemoteStart"): _boolean(False),
        ("AuthCtrlr", None, "LocalAuthorizeOffline"): _boolean(True),
        ("AuthCtrlr", None, "LocalPreAuthorize"): _boolean(False),
        ("AuthCtrlr", None, "OfflineTxForUnknownIdEnabled"): _boolean(True),
        ("AuthCacheCtrlr", None, "Enabled"): _boolean(True),
        ("LocalAuthListCtrlr", None, "Enabled"): _boolean(True),
        ("LocalAuthListCtrlr", None, "Available"): _fixed("true", "boolean"),
        ("LocalAuthListCtrlr", None, "Entries"): _fixed("0", "integer", extra={"maxLimit": 1000}),
        ("LocalAuthListCtrlr", None, "ItemsPerMessage"): _fixed("100", "integer"),
        ("LocalAuthListCtrlr", None, "BytesPerMessage"): _fixed("65536", "integer"),
        ("TxCtrlr", None, "EVConnectionTimeOut"): _number(60, unit="s"),
        ("TxCtrlr", None, "StopTxOnEVSideDisconnect"): _boolean(True),
        ("TxCtrlr", None, "StopTxOnInvalidId"): _boolean(True),
        ("TxCtrlr", None, "TxStartPoint"): _fixed("PowerPathClosed", "MemberList"),
        ("TxCtrlr", None, "SupportedLimits"): _fixed("MaxEnergy,MaxTime", "MemberList"),
        ("TxCtrlr", None, "TxStopPoint"): _fixed("PowerPathClosed", "MemberList"),
        ("SampledDataCtrlr", None, "Enabled"): _boolean(True),
        ("SampledDataCtrlr", None, "TxUpdatedInterval"): _number(60, unit="s"),
        ("SampledDataCtrlr", None, "TxUpdatedMeasurands"): Variable(sampled, measurands, "MemberList"),
        ("SampledDataCtrlr", None, "TxEndedMeasurands"): Variable(
            "Energy.Active.Import.Register", measurands, "MemberList"
        ),
        ("SampledDataCtrlr", None, "TxStartedMeasurands"): Variable(
            "Energy.Active.Import.Register", measurands, "MemberList"
        ),
        ("SmartChargingCtrlr", None, "Enabled"): _boolean(True),
        ("SmartChargingCtrlr", None, "RateUnit"): _fixed("A,W", "MemberList"),
        ("SmartChargingCtrlr", None, "ProfileStackLevel"): _fixed("10", "integer"),
        ("SmartChargingCtrlr", None, "PeriodsPerSchedule"): _fixed("24", "integer"),
        ("SmartChargingCtrlr", None, "Entries"): _fixed("10", "integer", instance="ChargingProfiles"),
        ("ReservationCtrlr", None, "Enabled"): _boolean(True),
        ("DisplayMessageCtrlr", None, "Enabled"): _boolean(True),
        ("MonitoringCtrlr", None, "Available"): _fixed("true", "boolean"),
        ("MonitoringCtrlr", None, "Enabled"): _boolean(True),
    }
    for evse in range(1, evses + 1):
        table["EVSE", evse, "Power"] = _fixed(power_w, "decimal", unit="W")
        table["EVSE", evse, "Available"] = _fixed("true", "boolean")
        table["EVSE", evse, "AvailabilityState"] = _fixed("Available", "OptionList")
        table["Connector", evse, "AvailabilityState"] = _fixed("Available", "OptionList")
        table["Connector", evse, "ConnectorType"] = _fixed("cType2")
    return table


class Variables(_Reader):
    """The device model of one station."""

    def __init__(self, table: dict[Name, Variable]) -> None:
        self.table = table
        self.defaults = {name: variable.value for name, variable in table.items()}
        self.late: dict[Name, str] = {}  # changes that the next reboot brings into effect

    def rebooted(self, *, loses: bool) -> None:
        """Bring late changes into effect; with ``loses``, set every variable back instead."""
        late, self.late = self.late, {}
        for name, value in (self.defaults if loses else late).items():
            self.table[name].value = value

    def text(self, name: str) -> str:
        if name in LIMIT_OF:
            return str(self.table[LIMIT_OF[name]].extra["maxLimit"])
        return self.table[VARIABLE_OF[name]].value

    def put(self, name: str, value: object) -> None:
        if name in LIMIT_OF:
            self.table[LIMIT_OF[name]].extra["maxLimit"] = value
            return
        self.table[VARIABLE_OF[name]].value = str(value)

    def find(self, item: dict[str, Any]) -> tuple[str, Variable | None]:
        """Look up the variable of a request item: returns (attribute status, variable)."""
        variable = item["variable"]
        name = (*place_of(item["component"]), variable["name"])
        if not any(known[:2] == name[:2] for known in self.table):
            return "UnknownComponent", None
        found = self.table.get(name)
        wanted = variable.get("instance")
        if found is None or (wanted is not None and wanted != found.instance):
            return "UnknownVariable", None
        if item.get("attributeType", "Actual") != "Actual":
            return "NotSupportedAttributeType", None
        return "Accepted", found

    def get(self, item: dict[str, Any]) -> dict[str, Any]:
        """Return one result of GetVariables (2.0.1 B06)."""
        status, found = self.find(item)
        result = {"attributeStatus": status, "component": item["component"], "variable": item["variable"]}
        if found is not None and found.mutability == "WriteOnly":
            return result | {"attributeStatus": "Rejected"}  # B06.FR.09
        return result if found is None else result | {"attributeValue": found.value}

    def set(self, item: dict[str, Any], *, late: bool = False) -> dict[str, Any]:
        """Apply one item of SetVariables and return its result (2.0.1 B05). A ``late`` change takes effect at
        the next reboot.
        """
        status, found = self.find(item)
        if found is not None:
            if found.mutability == "ReadOnly" or not found.rule(item["attributeValue"]):
                status = "Rejected"
            else:
                changed = found.value != item["attributeValue"]
                is_late = late and changed and found.mutability != "WriteOnly"
                if is_late:
                    (name,) = (name for name, variable in self.table.items() if variable is found)
                    self.late[name] = item["attributeValue"]
                else:
                    found.value = item["attributeValue"]
                status = "RebootRequired" if changed and (found.reboot or is_late) else "Accepted"
        return {"attributeStatus": status, "component": item["component"], "variable": item["variable"]}

    def network_profile(self, slot: str) -> dict[str, Any] | None:
        """Return the network profile of a slot that variables have set (2.1 B09); None when it has no URL."""
        component = f"NetworkConfiguration[{slot}]"
        values = {
            name: variable.value for (found, _, name), variable in self.table.items() if found == component
        }
        if not values.get("OcppCsmsUrl"):
            return None
        return {
            "ocppCsmsUrl": values["OcppCsmsUrl"],
            "securityProfile": int(values["SecurityProfile"]),
            "identity": values["Identity"],
            "basicAuthPassword": values["BasicAuthPassword"],
        }

    def take_network_profile(self, slot: int, data: dict[str, Any]) -> None:
        """Show a network profile of SetNetworkProfile as the variables of its slot (2.1 B09.FR.14)."""
        component = f"NetworkConfiguration[{slot}]"
        shown = {
            "OcppCsmsUrl": data["ocppCsmsUrl"],
            "OcppInterface": data["ocppInterface"],
            "MessageTimeout": data["messageTimeout"],
            "SecurityProfile": data["securityProfile"],
            "Identity": data.get("identity", ""),
            "BasicAuthPassword": data.get("basicAuthPassword", ""),
        }
        for name, value in shown.items():
            if (component, None, name) in self.table:
                self.table[component, None, name].value = str(value)

    def places_with(self, criteria: list[str]) -> frozenset[Place]:
        """Return the components of which one of these variables (Active, Problem, ...) is true (B08)."""
        return frozenset(
            (component, evse)
            for (component, evse, name), variable in self.table.items()
            if name in criteria and variable.value == "true"
        )

    def report(self, *, writable_only: bool = False) -> list[dict[str, Any]]:
        """Return the reportData of a base report: all variables, or only the writable ones (B07, B08)."""
        return [
            _report(name, variable)
            for name, variable in self.table.items()
            if not writable_only or variable.mutability != "ReadOnly"
        ]


def _report(name: Name, variable: Variable) -> dict[str, Any]:
    component, evse, variable_name = name
    component, _, instance = component.rstrip("]").partition("[")
    attribute: dict[str, Any] = {"type": "Actual", "mutability": variable.mutability, "persistent": True}
    if variable.mutability != "WriteOnly":
        attribute["value"] = variable.value
    characteristics = {"dataType": variable.type, "supportsMonitoring": True, **variable.extra}
    if variable.unit:
        characteristics["unit"] = variable.unit
    if variable.choices:
        characteristics["valuesList"] = variable.choices
    return {
        "component": {"name": component}
        | ({"instance": instance} if instance else {})
        | ({"evse": {"id": evse}} if evse is not None else {}),
        "variable": {"name": variable_name} | ({"instance": variable.instance} if variable.instance else {}),
        "variableAttribute": [attribute],
        "variableCharacteristics": characteristics,
    }
