from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("transactions", "0020_contract_refusals")]

    operations = [
        migrations.AddIndex(
            model_name="quarantinedmessage",
            index=models.Index(
                condition=models.Q(("resolved_at__isnull", True)),
                fields=["-received_at"],
                name="open_quarantined_message",
            ),
        ),
        migrations.AddIndex(
            model_name="settlement",
            index=models.Index(fields=["-created_at", "-id"], name="settlement_by_time"),
        ),
    ]
