from django.db import migrations

from ocpp_server.storage.partitions import DivideByMonth


class Migration(migrations.Migration):
    dependencies = [("chargepoints", "0003_security_log")]

    operations = [DivideByMonth("message", column="at")]
