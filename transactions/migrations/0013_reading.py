import django.db.models.deletion
from django.db import migrations, models

import ocpp_server.storage.fields
from ocpp_server.storage.partitions import DivideByMonth
from transactions.services.metering import carrying

# Samples that a server of the earlier release writes during the upgrade have lower numbers than readings.
DISTANCE = 1_000_000_000


def begin_after_samples(apps, schema_editor):
    """Readings have higher numbers than all samples: a sample's number stays its reading's, and the order of
    the numbers the order of receipt. A new database begins at 1.
    """
    tables = [apps.get_model("transactions", name)._meta.db_table for name in ("MeterValue", "Reading")]
    with schema_editor.connection.cursor() as cursor:
        if schema_editor.connection.vendor == "postgresql":
            samples, readings = (f"{table}_id_seq" for table in tables)
            cursor.execute("SELECT last_value FROM pg_sequences WHERE sequencename = %s", [samples])
            last = (cursor.fetchone() or [None])[0]
            if last:
                cursor.execute("SELECT setval(%s, %s)", [readings, last + DISTANCE])
            return
        cursor.execute("SELECT seq FROM sqlite_sequence WHERE name = %s", tables[:1])
        last = (cursor.fetchone() or [None])[0]
        if last:
            cursor.execute("DELETE FROM sqlite_sequence WHERE name = %s", tables[1:])
            cursor.execute(
                "INSERT INTO sqlite_sequence (name, seq) VALUES (%s, %s)", [tables[1], last + DISTANCE]
            )


def carry_back_the_rest(apps, schema_editor):
    """The rows that a server has written since the steps of the next migration."""
    readings, samples = (apps.get_model("transactions", name) for name in ("Reading", "MeterValue"))
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(f"LOCK TABLE {readings._meta.db_table} IN ACCESS EXCLUSIVE MODE")
    while carrying.carry_back(readings, samples, at_most=100):
        pass


class Migration(migrations.Migration):
    dependencies = [
        ("chargepoints", "0014_message_without_constraint"),
        ("transactions", "0012_event_without_constraint"),
    ]

    operations = [
        migrations.CreateModel(
            name="Reading",
            # In an order that leaves no gaps between the columns on PostgreSQL.
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "charge_point",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="readings",
                        to="chargepoints.chargepoint",
                    ),
                ),
                (
                    "transaction",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="readings",
                        to="transactions.transaction",
                    ),
                ),
                ("evse_number", models.PositiveIntegerField(null=True)),
                ("connector_number", models.PositiveIntegerField(null=True)),
                ("sample_count", models.PositiveIntegerField()),
                (
                    "register_mwh",
                    models.BigIntegerField(
                        help_text="Energy.Active.Import.Register at the outlet, the total, in thousandths of a Wh.",
                        null=True,
                    ),
                ),
                (
                    "power_w",
                    models.FloatField(
                        help_text="Power.Active.Import at the outlet: the total, or the sum of three phases.",
                        null=True,
                    ),
                ),
                ("soc_percent", models.FloatField(null=True)),
                (
                    "current_a",
                    models.FloatField(
                        help_text="Current.Import at the outlet: the total, or the highest of the phases.",
                        null=True,
                    ),
                ),
                (
                    "voltage_v",
                    models.FloatField(
                        help_text="Voltage at the outlet: the total, or the highest of the phases.", null=True
                    ),
                ),
                (
                    "digest",
                    models.BigIntegerField(
                        help_text="Checksum of the place and the samples: a repeated reading is stored once."
                    ),
                ),
                ("measured_at", models.DateTimeField()),
                ("received_at", models.DateTimeField()),
                (
                    "register_exponent",
                    models.SmallIntegerField(
                        help_text="The power of ten of the last digit of the register, in Wh, if the columns say "
                        "all about the energy and the power of the reading.",
                        null=True,
                    ),
                ),
                (
                    "samples",
                    ocpp_server.storage.fields.CompressedTextField(
                        help_text="All samples, as sent by the station."
                    ),
                ),
            ],
            options={
                "ordering": ["measured_at", "id"],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("transaction__isnull", False)),
                        fields=("transaction", "measured_at", "digest"),
                        name="reading_once_in_transaction",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("transaction__isnull", True)),
                        fields=("charge_point", "measured_at", "digest"),
                        name="reading_once_at_station",
                    ),
                ],
            },
        ),
        DivideByMonth("reading", column="measured_at"),
        migrations.RunPython(begin_after_samples, carry_back_the_rest),
    ]
