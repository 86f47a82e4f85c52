"""Write docs/alerts.md from the codes of alerts."""

from typing import Any

from django.core.management.base import BaseCommand

from alerts.docs import PAGE, page


class Command(BaseCommand):
    help = "Write docs/alerts.md from the codes of alerts. For developers of this server."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        PAGE.write_text(page())
