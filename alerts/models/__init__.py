"""Rules, alerts and their notes, recipients and notifications."""

from alerts.models.alert import Alert, AlertNote
from alerts.models.notification import Notification
from alerts.models.recipient import AlertRecipient
from alerts.models.rule import AlertRule
from alerts.models.severity import Severity
from alerts.models.state import Evaluation

__all__ = [
    "Alert",
    "AlertNote",
    "AlertRecipient",
    "AlertRule",
    "Evaluation",
    "Notification",
    "Severity",
]
