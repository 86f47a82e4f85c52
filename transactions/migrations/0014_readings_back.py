import time

from django.db import migrations

from transactions.services.metering import carrying


def carry_back(apps, schema_editor):
    """On the way to an earlier release: all readings, a few in each transaction of the database."""
    readings, samples = (apps.get_model("transactions", name) for name in ("Reading", "MeterValue"))
    while carrying.carry_back(readings, samples, at_most=50):
        time.sleep(carrying.PAUSE_S)  # SQLite's lock is not fair: a writer that waits might never get it


class Migration(migrations.Migration):
    # Housekeeping carries the samples of earlier releases over (`transactions.services.metering.carrying`).
    atomic = False
    dependencies = [("transactions", "0013_reading")]

    operations = [migrations.RunPython(migrations.RunPython.noop, carry_back)]
