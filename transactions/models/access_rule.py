"""Where a token, a group of tokens or a contract may charge."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models import Contract, Token, TokenGroup
from chargepoints.models import ChargePoint, Site
from ocpp_server.sites import SiteManager


def _exactly_one(first: str, *others: str) -> Q:
    """A condition: one of the columns is set, the others are not."""
    names = (first, *others)
    condition = Q()
    for chosen in names:
        condition |= Q(**{f"{name}__isnull": name != chosen for name in names})
    return condition


class AccessRule(models.Model):
    """One subject, one place, one effect. Refusals win; a subject with an allowance is refused elsewhere."""

    class Effect(models.TextChoices):
        ALLOW = "allow", _("Allow (and nowhere else)")
        REFUSE = "refuse", _("Refuse")

    token = models.ForeignKey(
        Token, null=True, blank=True, on_delete=models.CASCADE, related_name="access_rules"
    )
    group = models.ForeignKey(
        TokenGroup, null=True, blank=True, on_delete=models.CASCADE, related_name="access_rules"
    )
    contract = models.ForeignKey(
        Contract, null=True, blank=True, on_delete=models.CASCADE, related_name="access_rules"
    )
    charge_point = models.ForeignKey(
        ChargePoint, null=True, blank=True, on_delete=models.CASCADE, related_name="access_rules"
    )
    site = models.ForeignKey(
        Site, null=True, blank=True, on_delete=models.CASCADE, related_name="access_rules"
    )
    effect = models.CharField(max_length=8, choices=Effect.choices, default=Effect.ALLOW)
    note = models.CharField(
        max_length=200, blank=True, default="", help_text=_("The reason, for other operators.")
    )
    created_at = models.DateTimeField(auto_now_add=True)

    objects = SiteManager()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=_exactly_one("token", "group", "contract"), name="access_rule_one_subject"
            ),
            models.CheckConstraint(
                condition=_exactly_one("charge_point", "site"), name="access_rule_one_place"
            ),
            *(
                models.UniqueConstraint(
                    fields=[subject, place], name=f"access_rule_{subject}_{place.partition('_')[0]}"
                )
                for subject in ("token", "group", "contract")
                for place in ("charge_point", "site")
            ),
        ]

    def __str__(self) -> str:
        return f"{self.subject} at {self.place}: {self.effect}"

    @property
    def subject(self) -> Token | TokenGroup | Contract | None:
        return self.token or self.group or self.contract

    @property
    def place(self) -> ChargePoint | Site | None:
        return self.charge_point or self.site
