from django.db import migrations, models

from ocpp_server.storage.fields import CompressedTextField


class Migration(migrations.Migration):
    """The payloads of new follow-ups are compressed. Those of before stay in the text column."""

    dependencies = [("chargepoints", "0025_displays_swaps_publications")]

    operations = [
        # Only the name in Python changes.
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.RenameField("followup", "payload", "payload_text"),
                migrations.AlterField(
                    "followup",
                    "payload_text",
                    models.TextField(db_column="payload", default="", editable=False),
                ),
            ]
        ),
        migrations.AddField(
            "followup",
            "payload",
            CompressedTextField(
                null=True,
                db_column="payload_packed",
                help_text="As received, secrets and personal data masked.",
            ),
        ),
    ]
