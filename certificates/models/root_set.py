"""The roots that stations are to have."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from certificates.models.trust_root import TrustRoot
from chargepoints.models import Site
from ocpp_server.sites import SiteManager


class RootSet(models.Model):
    """Roots that the stations of a site, of a model, or all stations are to have.

    Without a site and a model it is for all stations. A station is to have the roots of every enabled set
    that is for it. A set installs nothing: the campaigns of the kind `root-certificates` do.
    """

    name = models.CharField(max_length=100, unique=True)
    is_enabled = models.BooleanField(_("enabled"), default=True)
    roots = models.ManyToManyField(TrustRoot, related_name="sets")
    site = models.ForeignKey(Site, null=True, blank=True, on_delete=models.CASCADE, related_name="root_sets")
    vendor = models.CharField(max_length=255, blank=True, default="")
    model = models.CharField(max_length=255, blank=True, default="")
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = SiteManager()

    class Meta:
        ordering = ["name"]
        verbose_name = _("root set")
        verbose_name_plural = _("root sets")
        constraints = [
            models.CheckConstraint(condition=~models.Q(name=""), name="root_set_has_name"),
            models.CheckConstraint(
                condition=models.Q(vendor="") | ~models.Q(model=""), name="root_set_vendor_with_model"
            ),
        ]

    def __str__(self) -> str:
        return self.name
