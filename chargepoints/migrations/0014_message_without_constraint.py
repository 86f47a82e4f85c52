import django.db.models.deletion
from django.db import migrations, models

from ocpp_server.storage.operations import DropForeignKey


class Migration(migrations.Migration):
    dependencies = [("chargepoints", "0013_messages_way_back")]

    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[DropForeignKey("message", field="charge_point")],
            state_operations=[
                migrations.AlterField(
                    model_name="message",
                    name="charge_point",
                    field=models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="messages",
                        to="chargepoints.chargepoint",
                    ),
                ),
            ],
        ),
    ]
