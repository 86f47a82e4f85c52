"""The colours of statuses, the same on every page. A status without an entry is grey."""

from __future__ import annotations

from django.utils.translation import gettext

SUCCESS, INFO, WARNING, DANGER, NEUTRAL = "success", "info", "warning", "danger", ""

CONNECTOR = {
    "Available": SUCCESS,
    "Preparing": INFO,
    "Charging": INFO,
    "Occupied": INFO,
    "Finishing": INFO,
    "SuspendedEV": WARNING,
    "SuspendedEVSE": WARNING,
    "Reserved": WARNING,
    "Unavailable": NEUTRAL,
    "Faulted": DANGER,
}
ALERT_SEVERITY = {"info": INFO, "warning": WARNING, "critical": DANGER}
ALERT_STATE = {"open": DANGER, "acknowledged": WARNING, "resolved": SUCCESS}
REGISTRATION = {"Accepted": SUCCESS, "Pending": WARNING, "Rejected": DANGER}
COMMAND = {
    "queued": NEUTRAL,
    "sent": INFO,
    "accepted": SUCCESS,
    "partial": WARNING,
    "empty": NEUTRAL,
    "rejected": WARNING,
    "error": DANGER,
    "timeout": DANGER,
    "disconnected": DANGER,
    "invalid": DANGER,
    "late": WARNING,
}
REPORT = {"collecting": INFO, "complete": SUCCESS, "incomplete": WARNING}
LOG = {
    "requested": NEUTRAL,
    "accepted": INFO,
    "uploading": INFO,
    "received": SUCCESS,
    "uploaded": SUCCESS,
    "failed": DANGER,
    "rejected": WARNING,
    "canceled": NEUTRAL,
    "expired": WARNING,
}
FIRMWARE_SIGNATURE = {"none": NEUTRAL, "verified": SUCCESS, "unverified": DANGER}
FIRMWARE_DOWNLOAD = {"waiting": NEUTRAL, "begun": INFO, "complete": SUCCESS, "expired": WARNING}
FIRMWARE_UPDATE = {
    "requested": NEUTRAL,
    "accepted": INFO,
    "downloading": INFO,
    "downloaded": INFO,
    "verified": INFO,
    "installing": INFO,
    "rebooting": INFO,
    "installed": SUCCESS,
    "failed": DANGER,
    "rejected": WARNING,
    "superseded": NEUTRAL,
    "silent": WARNING,
}
CAMPAIGN = {"running": INFO, "paused": WARNING, "finished": SUCCESS, "cancelled": NEUTRAL}
CAMPAIGN_STATION = {"claimed": INFO, "sent": INFO, "done": SUCCESS, "failed": DANGER}
LOCAL_LIST = {
    "unknown": NEUTRAL,
    "due": INFO,
    "sending": INFO,
    "in_sync": SUCCESS,
    "failed": DANGER,
    "unsupported": NEUTRAL,
}
SECURITY_PROFILE_CHANGE = {
    "sent": INFO,
    "ordering": INFO,
    "restarting": INFO,
    "awaited": INFO,
    "proved": SUCCESS,
    "fell-back": WARNING,
    "refused": DANGER,
    "failed": DANGER,
    "cancelled": NEUTRAL,
}
NETWORK_PROFILE = {"wanted": INFO, "confirmed": SUCCESS, "refused": DANGER}
DESIRED_VALUE = {
    "same": SUCCESS,
    "differs": DANGER,
    "pending-reboot": INFO,
    "refused": WARNING,
    "unknown-key": WARNING,
    "read-only": WARNING,
}
SESSION = {"active": INFO, "ended": NEUTRAL}
FIX = {"end": WARNING, "close": INFO, "correct-energy": WARNING, "merge": WARNING, "ignore": NEUTRAL}
TOKEN = {"active": SUCCESS, "blocked": DANGER, "lost": DANGER, "expired": WARNING, "invalid": DANGER}
USER = {"active": SUCCESS, "suspended": DANGER, "closed": NEUTRAL}
CONTRACT = {"active": SUCCESS, "suspended": DANGER, "expired": WARNING, "terminated": NEUTRAL}
EFFECT = {"allow": SUCCESS, "refuse": DANGER}
AUTHORIZATION = {
    "Blocked": DANGER,
    "Expired": WARNING,
    "ConcurrentTx": INFO,
    "Unknown": NEUTRAL,
    "NoCredit": WARNING,
    "NotAtThisLocation": WARNING,
    "NotAtThisTime": WARNING,
    "Invalid": DANGER,
}
REMOTE_START = {"waiting": INFO, "started": SUCCESS, "refused": DANGER, "nothing": WARNING}
WEB_PAYMENT = {"opened": INFO, "paid": INFO, "started": SUCCESS, "failed": DANGER, "expired": NEUTRAL}
RESERVATION = {
    "requested": NEUTRAL,
    "accepted": INFO,
    "refused": DANGER,
    "unanswered": WARNING,
    "used": SUCCESS,
    "cancelled": NEUTRAL,
    "expired": NEUTRAL,
    "ended": WARNING,
}
PROFILE = {
    "waiting": INFO,
    "installed": SUCCESS,
    "unverified": WARNING,
    "replaced": NEUTRAL,
    "cleared": NEUTRAL,
    "missing": WARNING,
    "ended": NEUTRAL,
    "unused": NEUTRAL,
}
DISPLAY_MESSAGE = {
    "requested": NEUTRAL,
    "confirmed": SUCCESS,
    "unanswered": WARNING,
    "refused": DANGER,
    "replaced": NEUTRAL,
    "cleared": NEUTRAL,
    "missing": WARNING,
    "ended": NEUTRAL,
    "expired": NEUTRAL,
}
BATTERY_SWAP = {
    "requested": NEUTRAL,
    "open": INFO,
    "swapped": SUCCESS,
    "returned": WARNING,
    "rejected": DANGER,
    "lapsed": WARNING,
}
PUBLISHED_FIRMWARE = {
    "requested": NEUTRAL,
    "accepted": INFO,
    "downloading": INFO,
    "downloaded": INFO,
    "verified": INFO,
    "published": SUCCESS,
    "unanswered": WARNING,
    "rejected": DANGER,
    "failed": DANGER,
    "unpublished": NEUTRAL,
}
TARIFF = {
    "accepted": INFO,
    "confirmed": SUCCESS,
    "missing": WARNING,
    "foreign": WARNING,
    "refused": DANGER,
    "replaced": NEUTRAL,
    "cleared": NEUTRAL,
}
NOTICE = {"queued": INFO, "sent": SUCCESS, "failed": DANGER, "suppressed": NEUTRAL}
SIGNING_REQUEST = {
    "waiting": WARNING,
    "approved": INFO,
    "signing": INFO,
    "signed": INFO,
    "sent": INFO,
    "installed": SUCCESS,
    "refused": DANGER,
    "unanswered": WARNING,
    "rejected": DANGER,
    "declined": NEUTRAL,
    "failed": DANGER,
    "superseded": NEUTRAL,
}
ISSUED_CERTIFICATE = {
    "issued": INFO,
    "installed": INFO,
    "active": SUCCESS,
    "not_adopted": WARNING,
    "refused": DANGER,
    "superseded": NEUTRAL,
    "revoked": DANGER,
    "expired": NEUTRAL,
}
AUTHORITY = {"active": SUCCESS, "retired": NEUTRAL}
AUTHORITY_REQUEST = {"waiting": INFO, "done": SUCCESS, "failed": DANGER}
PAYMENT = {"Settled": SUCCESS, "Canceled": NEUTRAL, "Rejected": DANGER, "Failed": DANGER}
LIMIT = {"set": WARNING, "cleared": NEUTRAL}
PLAN = {"": NEUTRAL, "profile": SUCCESS, "no-profile": WARNING, "refused": DANGER}
DER_CONTROL = {
    "accepted": INFO,
    "reported": SUCCESS,
    "superseded": WARNING,
    "cleared": NEUTRAL,
    "missing": WARNING,
}
INSTALLED_CERTIFICATE = {
    "accepted": INFO,
    "installed": SUCCESS,
    "refused": DANGER,
    "deleted": NEUTRAL,
    "missing": WARNING,
}
WANTED_ROOT = {"missing": WARNING, "unknown": NEUTRAL, "not-supported": NEUTRAL}
GRID_FAULT = {"open": DANGER, "ended": NEUTRAL}
ONLINE = {"Online": SUCCESS, "Offline": NEUTRAL}


def station_status(status: str, is_online: bool, words: str = "") -> tuple[str, str]:
    """The text and colour of the status of a station or connector. While it is offline, the text says so,
    because its last status may be out of date. `words` replace the text of the status.
    """
    known = words or status or gettext("not reported yet")
    if is_online:
        return known, CONNECTOR.get(status, NEUTRAL)
    if not status:
        return gettext("Offline"), NEUTRAL
    return gettext("Offline (last: %(status)s)") % {"status": known}, NEUTRAL
