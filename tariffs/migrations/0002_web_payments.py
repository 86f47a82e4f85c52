import django.core.validators
import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    """New tables: an older release does not know them."""

    dependencies = [
        ("chargepoints", "0025_displays_swaps_publications"),
        ("tariffs", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="WebPayment",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("evse_number", models.PositiveIntegerField(verbose_name="EVSE")),
                (
                    "totp_interval",
                    models.BigIntegerField(help_text="The interval of the password of the code."),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("opened", "The driver is paying"),
                            ("paid", "Paid"),
                            ("started", "Start accepted by the station"),
                            ("failed", "Failed"),
                            ("expired", "Not paid in time"),
                        ],
                        default="opened",
                        max_length=16,
                    ),
                ),
                (
                    "max_cost",
                    models.DecimalField(
                        decimal_places=6,
                        help_text="In the tariff's currency.",
                        max_digits=18,
                        null=True,
                        verbose_name="highest cost",
                    ),
                ),
                ("max_energy_wh", models.FloatField(null=True, verbose_name="highest energy in Wh")),
                ("max_time_s", models.PositiveBigIntegerField(null=True, verbose_name="longest time in s")),
                (
                    "psp_ref",
                    models.CharField(
                        blank=True,
                        default="",
                        help_text="Of the payment service: the token of the session.",
                        max_length=255,
                        verbose_name="payment reference",
                    ),
                ),
                (
                    "command_id",
                    models.CharField(blank=True, default="", help_text="The remote start.", max_length=36),
                ),
                (
                    "failure",
                    models.CharField(blank=True, default="", max_length=500, verbose_name="why it failed"),
                ),
                ("confirmed_by", models.CharField(blank=True, default="", max_length=150)),
                ("opened_at", models.DateTimeField()),
                ("expires_at", models.DateTimeField(help_text="The driver must have paid by then.")),
                ("confirmed_at", models.DateTimeField(null=True)),
                ("updated_at", models.DateTimeField()),
                (
                    "charge_point",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="web_payments",
                        to="chargepoints.chargepoint",
                        verbose_name="station",
                    ),
                ),
            ],
            options={
                "verbose_name": "web payment",
                "verbose_name_plural": "web payments",
                "ordering": ["-id"],
                "indexes": [
                    models.Index(fields=["charge_point", "-id"], name="web_payment_by_station"),
                    models.Index(fields=["state", "updated_at"], name="web_payment_by_state"),
                    models.Index(fields=["updated_at"], name="web_payment_by_change"),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("charge_point", "evse_number", "totp_interval"),
                        name="web_payment_once_by_code",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("psp_ref", ""), _negated=True),
                        fields=("psp_ref",),
                        name="web_payment_once_by_reference",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="WebPaymentKey",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "evse_number",
                    models.PositiveIntegerField(
                        default=0, help_text="0 for every EVSE without a key of its own.", verbose_name="EVSE"
                    ),
                ),
                ("sealed_secret", models.TextField(editable=False)),
                (
                    "validity_s",
                    models.PositiveIntegerField(
                        help_text="ValidityTime of the station: 6 to 3600.",
                        validators=[
                            django.core.validators.MinValueValidator(6),
                            django.core.validators.MaxValueValidator(3600),
                        ],
                        verbose_name="validity in s",
                    ),
                ),
                (
                    "length",
                    models.PositiveIntegerField(
                        help_text="Length of the station: 6 to 64.",
                        validators=[
                            django.core.validators.MinValueValidator(6),
                            django.core.validators.MaxValueValidator(64),
                        ],
                        verbose_name="characters of a password",
                    ),
                ),
                ("set_by", models.CharField(blank=True, default="", max_length=150)),
                ("set_at", models.DateTimeField()),
                (
                    "charge_point",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="web_payment_keys",
                        to="chargepoints.chargepoint",
                        verbose_name="station",
                    ),
                ),
            ],
            options={
                "verbose_name": "key of QR codes",
                "verbose_name_plural": "keys of QR codes",
                "ordering": ["-id"],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("charge_point", "evse_number"), name="web_payment_key_once"
                    )
                ],
            },
        ),
    ]
