"""How many alerts need attention."""

from __future__ import annotations

from django.db.models import Count

from alerts.models import Alert, Severity


def open_by_severity() -> dict[str, int]:
    """The alerts that are open and not suppressed, in one query."""
    rows = Alert.objects.unresolved().filter(state=Alert.State.OPEN, suppression="").order_by()
    counted = dict(rows.values_list("severity").annotate(Count("pk")))
    return {severity.value: counted.get(severity.value, 0) for severity in Severity}
