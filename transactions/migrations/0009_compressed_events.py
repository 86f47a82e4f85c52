from django.db import migrations, models

from ocpp_server.storage.fields import CompressedTextField


class Migration(migrations.Migration):
    """The payloads of new events are compressed. Those of before stay in the text column."""

    dependencies = [("transactions", "0008_transaction_updated_at")]

    operations = [
        # Only the name in Python changes.
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.RenameField("transactionevent", "payload", "payload_text"),
                migrations.AlterField(
                    "transactionevent",
                    "payload_text",
                    models.TextField(db_column="payload", default="", editable=False),
                ),
            ]
        ),
        migrations.AddField(
            "transactionevent",
            "payload",
            CompressedTextField(null=True, db_column="payload_packed", help_text="JSON as received."),
        ),
    ]
