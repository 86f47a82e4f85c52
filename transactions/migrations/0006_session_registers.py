from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0005_token_upload"),
        ("chargepoints", "0006_messages_by_number"),
        ("transactions", "0005_settlement"),
    ]

    operations = [
        migrations.AddField(
            model_name="transaction",
            name="registers",
            field=models.TextField(
                blank=True,
                db_default="",
                default="",
                editable=False,
                help_text="What the next reading needs to know of the earlier ones, JSON.",
            ),
        ),
        migrations.AddIndex(
            model_name="transaction",
            index=models.Index(fields=["stopped_at"], name="transaction_by_stop"),
        ),
    ]
