from django.db import migrations, models


class Migration(migrations.Migration):
    """New columns with constant defaults in the database: no row is rewritten, and an older release inserts."""

    dependencies = [("transactions", "0016_monthly_energy")]

    operations = [
        migrations.AddField(
            model_name="transaction",
            name="operation_mode",
            field=models.CharField(
                blank=True,
                db_default="",
                default="",
                help_text="2.1: such as ChargingOnly or Idle.",
                max_length=32,
            ),
        ),
        migrations.AddField(
            model_name="transaction",
            name="station_tariff_id",
            field=models.CharField(
                blank=True,
                db_default="",
                default="",
                help_text="2.1: the tariff that the station uses.",
                max_length=60,
            ),
        ),
        migrations.AddField(
            model_name="transaction",
            name="preconditioning_status",
            field=models.CharField(
                blank=True,
                db_default="",
                default="",
                help_text="2.1: of the vehicle's battery.",
                max_length=32,
            ),
        ),
        migrations.AddField(
            model_name="transaction",
            name="evse_sleep",
            field=models.BooleanField(
                blank=True, help_text="2.1: whether the electronics of the EVSE sleep.", null=True
            ),
        ),
        migrations.AddField(
            model_name="transaction",
            name="limits",
            field=models.JSONField(
                blank=True,
                help_text="2.1: the limits that are wanted, sent to the station, and set by it.",
                null=True,
            ),
        ),
        migrations.AddField(
            model_name="transaction",
            name="limits_asked",
            field=models.JSONField(blank=True, help_text="2.1: the limits of an operator.", null=True),
        ),
        migrations.AddField(
            model_name="transaction",
            name="charges_battery",
            field=models.BooleanField(
                db_default=False,
                default=False,
                help_text="A battery in a slot of a battery swap station is charged: no session of a driver.",
            ),
        ),
        migrations.AlterField(
            model_name="transaction",
            name="ended_by",
            field=models.CharField(
                blank=True,
                choices=[
                    ("", "Still running"),
                    ("station", "Station"),
                    ("superseded", "A newer session on the connector"),
                    ("abandoned", "No more messages"),
                    ("refused", "The token was refused and the connector is free"),
                    ("interrupted", "The station restarted and the connector is free"),
                    ("lost", "The station no longer has the session"),
                    ("operator", "Operator"),
                ],
                default="",
                max_length=16,
            ),
        ),
    ]
