from chargepoints.models.campaign import Campaign, CampaignStation
from chargepoints.models.charge_point import ChargePoint, Connector, Evse
from chargepoints.models.command import Command
from chargepoints.models.evidence import Deviation, DeviceEvent, RefusedConnection, SecurityEvent
from chargepoints.models.firmware import FirmwareDownload, FirmwareDownloadRequest, FirmwareFile
from chargepoints.models.firmware_update import FirmwareUpdate
from chargepoints.models.follow_up import FollowUp, ReportAssembly
from chargepoints.models.log_upload import LogUpload
from chargepoints.models.message import Message
from chargepoints.models.note import Note
from chargepoints.models.site import Site

__all__ = [
    "Campaign",
    "CampaignStation",
    "ChargePoint",
    "Command",
    "Connector",
    "Deviation",
    "DeviceEvent",
    "Evse",
    "FirmwareDownload",
    "FirmwareDownloadRequest",
    "FirmwareFile",
    "FirmwareUpdate",
    "FollowUp",
    "LogUpload",
    "Message",
    "Note",
    "RefusedConnection",
    "ReportAssembly",
    "SecurityEvent",
    "Site",
]
