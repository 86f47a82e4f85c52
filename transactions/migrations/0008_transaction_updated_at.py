import django.utils.timezone
from django.db import migrations, models
from django.db.models.functions import Now


class Migration(migrations.Migration):
    dependencies = [("transactions", "0007_wording")]

    operations = [
        # Older rows get the time of the migration, so a client that polls reads each of them once more. An
        # update of all rows would hold up the messages of running sessions.
        migrations.AddField(
            model_name="transaction",
            name="updated_at",
            field=models.DateTimeField(
                default=django.utils.timezone.now,
                db_default=Now(),
                editable=False,
                help_text="Server time of the last change, except messages of a running session.",
            ),
        ),
        migrations.AddIndex(
            model_name="transaction",
            index=models.Index(fields=["updated_at"], name="transaction_by_change"),
        ),
    ]
