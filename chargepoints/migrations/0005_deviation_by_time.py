from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("chargepoints", "0004_messages_by_month")]

    operations = [
        migrations.AlterField(
            model_name="deviation",
            name="last_at",
            field=models.DateTimeField(db_index=True),
        ),
    ]
