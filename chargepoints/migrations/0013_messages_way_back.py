from django.db import migrations

from ocpp_server.storage.unpacking import way_back

COLUMNS = {"request": "request_text", "response": "response_text"}


class Migration(migrations.Migration):
    """Nothing on the way here. The way back unpacks the rows in steps, before 0012 drops the columns."""

    atomic = False

    dependencies = [("chargepoints", "0012_compressed_messages")]

    operations = [
        migrations.RunPython(migrations.RunPython.noop, way_back("chargepoints", "Message", COLUMNS))
    ]
