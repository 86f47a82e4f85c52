from chargepoints.models.battery_swap import BatterySwap, SwappedBattery
from chargepoints.models.campaign import Campaign, CampaignStation
from chargepoints.models.charge_point import ChargePoint, Connector, Evse
from chargepoints.models.command import Command
from chargepoints.models.display_message import DisplayMessage
from chargepoints.models.evidence import Deviation, DeviceEvent, RefusedConnection, SecurityEvent
from chargepoints.models.firmware import FirmwareDownload, FirmwareDownloadRequest, FirmwareFile
from chargepoints.models.firmware_update import FirmwareUpdate
from chargepoints.models.follow_up import FollowUp, ReportAssembly
from chargepoints.models.log_upload import LogUpload
from chargepoints.models.message import Message
from chargepoints.models.note import Note
from chargepoints.models.published_firmware import PublishedFirmware
from chargepoints.models.security_profile_change import SecurityProfileChange
from chargepoints.models.site import Site
from chargepoints.models.tag import Tag

__all__ = [
    "BatterySwap",
    "Campaign",
    "CampaignStation",
    "ChargePoint",
    "Command",
    "Connector",
    "Deviation",
    "DeviceEvent",
    "DisplayMessage",
    "Evse",
    "FirmwareDownload",
    "FirmwareDownloadRequest",
    "FirmwareFile",
    "FirmwareUpdate",
    "FollowUp",
    "LogUpload",
    "Message",
    "Note",
    "PublishedFirmware",
    "RefusedConnection",
    "ReportAssembly",
    "SecurityEvent",
    "SecurityProfileChange",
    "Site",
    "SwappedBattery",
    "Tag",
]
