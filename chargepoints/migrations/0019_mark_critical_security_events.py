from django.db import migrations

# Critical in every version: of an earlier event, the version of its station is not known.
CRITICAL = (
    "FirmwareUpdated",
    "SettingSystemTime",
    "StartupOfTheDevice",
    "ResetOrReboot",
    "SecurityLogWasCleared",
    "MemoryExhaustion",
    "TamperDetectionActivated",
)


def mark(apps, schema_editor):
    events = apps.get_model("chargepoints", "SecurityEvent").objects.using(schema_editor.connection.alias)
    events.filter(type__in=CRITICAL, from_station=True).update(is_critical=True)


class Migration(migrations.Migration):
    """A migration of its own: the one before locks the table until it is committed."""

    dependencies = [
        ("chargepoints", "0018_critical_security_events"),
    ]

    operations = [migrations.RunPython(mark, migrations.RunPython.noop)]
