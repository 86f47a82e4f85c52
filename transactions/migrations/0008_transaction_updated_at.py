from django.db import migrations, models
from django.db.models.functions import Coalesce, Now


def backfill(apps, schema_editor):
    """The last change that older rows tell of."""
    transaction = apps.get_model("transactions", "Transaction")
    transaction.objects.using(schema_editor.connection.alias).update(
        updated_at=Coalesce("stop_received_at", "last_message_at")
    )


class Migration(migrations.Migration):
    dependencies = [("transactions", "0007_wording")]

    operations = [
        migrations.AddField(
            model_name="transaction",
            name="updated_at",
            field=models.DateTimeField(
                db_default=Now(),
                editable=False,
                help_text="Server time of the last change, except messages of a running session.",
            ),
        ),
        migrations.RunPython(backfill, migrations.RunPython.noop, elidable=True),
        migrations.AddIndex(
            model_name="transaction",
            index=models.Index(fields=["updated_at"], name="transaction_by_change"),
        ),
    ]
