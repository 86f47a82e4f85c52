import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    """A new table: an older release does not know it."""

    dependencies = [
        ("chargepoints", "0025_displays_swaps_publications"),
        ("transactions", "0018_counts_cost"),
    ]

    operations = [
        migrations.CreateModel(
            name="RequestedStart",
            fields=[
                ("id", models.CharField(editable=False, max_length=36, primary_key=True, serialize=False)),
                ("remote_start_id", models.BigIntegerField()),
                (
                    "payment",
                    models.CharField(
                        blank=True,
                        default="",
                        help_text="The reference of the payment, which is the token (2.1 DirectPayment).",
                        max_length=255,
                    ),
                ),
                ("limits", models.JSONField(help_text="2.1: the limits of the session.")),
                (
                    "is_cancelled",
                    models.BooleanField(default=False, help_text="No session may use the payment."),
                ),
                ("created_at", models.DateTimeField()),
                (
                    "charge_point",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="requested_starts",
                        to="chargepoints.chargepoint",
                    ),
                ),
            ],
            options={
                "ordering": ["-created_at"],
                "indexes": [
                    models.Index(fields=["payment", "charge_point"], name="requested_start_by_payment"),
                    models.Index(fields=["created_at"], name="requested_start_by_age"),
                ],
            },
        ),
    ]
