from django.db import migrations

from ocpp_server.storage.partitions import DivideByMonth


class Migration(migrations.Migration):
    dependencies = [("transactions", "0002_access_rules_and_reasons")]

    operations = [DivideByMonth("metervalue", column="measured_at")]
