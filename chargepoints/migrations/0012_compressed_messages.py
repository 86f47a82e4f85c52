from django.db import migrations, models

from ocpp_server.storage.fields import CompressedTextField


class Migration(migrations.Migration):
    """New rows of the message log are compressed. Rows of before stay in the text columns until they expire."""

    dependencies = [("chargepoints", "0011_command_outcomes")]

    operations = [
        # Only the names in Python change.
        migrations.SeparateDatabaseAndState(
            state_operations=[
                operation
                for name in ("request", "response")
                for operation in (
                    migrations.RenameField("message", name, f"{name}_text"),
                    migrations.AlterField(
                        "message",
                        f"{name}_text",
                        models.TextField(db_column=name, default="", editable=False),
                    ),
                )
            ]
        ),
        migrations.AddField(
            "message",
            "request",
            CompressedTextField(
                null=True, db_column="request_packed", help_text="The payload's JSON text as sent."
            ),
        ),
        migrations.AddField(
            "message",
            "response",
            CompressedTextField(
                null=True,
                db_column="response_packed",
                help_text="The answer's payload, or the error's details.",
            ),
        ),
    ]
