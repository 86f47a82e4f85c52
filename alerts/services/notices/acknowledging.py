"""Acknowledges an alert by the link of a mail."""

from __future__ import annotations

from typing import NamedTuple

from django.db import transaction

from alerts.models import Alert, AlertRecipient
from alerts.services import handling
from alerts.services.notices.links import Grant


class Linked(NamedTuple):
    """The alert of a link, and the recipient that got the link."""

    alert: Alert
    recipient: AlertRecipient

    @property
    def may_acknowledge(self) -> bool:
        return self.alert.state == Alert.State.OPEN


def find(grant: Grant, *, lock: bool = False) -> Linked | None:
    """The alert of a link; None when it or its recipient is gone, or it has opened again since."""
    alerts = Alert.objects.select_for_update(of=("self",)) if lock else Alert.objects.all()
    alert = alerts.select_related("site").filter(pk=grant.alert, episode=grant.episode).first()
    recipient = AlertRecipient.objects.filter(pk=grant.recipient, is_enabled=True).first()
    return None if alert is None or recipient is None else Linked(alert, recipient)


@transaction.atomic
def acknowledge(grant: Grant) -> Linked | None:
    """Acknowledge the alert as the recipient; one that is not open any more stays as it is."""
    linked = find(grant, lock=True)
    if linked is not None and linked.may_acknowledge:
        handling.acknowledge(linked.alert, actor=linked.recipient.name)
    return linked
