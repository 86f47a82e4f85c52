"""Requests to the signer for CAs."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from certificates.models.authority import CertificateAuthority


class AuthorityRequest(models.Model):
    """A wish of an administrator for CAs: a root, and its issuing CAs with RSA and ECDSA keys.

    The web process has no keys; the signer makes them when it reads this row.
    """

    class State(models.TextChoices):
        WAITING = "waiting", _("Waiting for the signer")
        DONE = "done", _("Done")
        FAILED = "failed", _("Failed")

    organization = models.CharField(
        max_length=64,
        help_text=_("The operator's name: O of the CAs and of the certificates of stations."),
    )
    name = models.CharField(
        max_length=40, blank=True, default="", help_text=_("The start of the CAs' names.")
    )
    usage = models.CharField(
        max_length=16,
        choices=CertificateAuthority.Usage.choices,
        default=CertificateAuthority.Usage.STATIONS,
    )
    state = models.CharField(max_length=16, choices=State.choices, default=State.WAITING)
    reason = models.CharField(max_length=500, blank=True, default="")
    actor = models.CharField(max_length=150, blank=True, default="")
    created_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        verbose_name = _("CA request")
        verbose_name_plural = _("CA requests")

    def __str__(self) -> str:
        return self.name or self.organization
