import django.db.models.deletion
from django.db import migrations, models

from ocpp_server.storage.operations import DropForeignKey


class Migration(migrations.Migration):
    dependencies = [("transactions", "0011_room_on_pages")]

    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[DropForeignKey("transactionevent", field="transaction")],
            state_operations=[
                migrations.AlterField(
                    model_name="transactionevent",
                    name="transaction",
                    field=models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="events",
                        to="transactions.transaction",
                    ),
                ),
            ],
        ),
    ]
