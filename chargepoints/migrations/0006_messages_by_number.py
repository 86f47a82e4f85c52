from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("chargepoints", "0005_deviation_by_time")]

    operations = [
        migrations.RemoveIndex(model_name="message", name="message_by_station"),
        migrations.AddIndex(
            model_name="message",
            index=models.Index(fields=["charge_point", "-id"], name="message_by_station"),
        ),
    ]
