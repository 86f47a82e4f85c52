from django.db import migrations

from ocpp_server.storage.unpacking import way_back


class Migration(migrations.Migration):
    """Nothing on the way here. The way back unpacks the rows in steps, before the column is dropped."""

    atomic = False

    dependencies = [("chargepoints", "0026_compressed_follow_ups")]

    operations = [
        migrations.RunPython(
            migrations.RunPython.noop, way_back("chargepoints", "FollowUp", {"payload": "payload_text"})
        )
    ]
