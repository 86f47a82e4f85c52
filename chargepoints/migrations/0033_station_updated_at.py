import django.utils.timezone
from django.db import migrations, models
from django.db.models.functions import Now


class Migration(migrations.Migration):
    dependencies = [
        ("chargepoints", "0032_test_site"),
    ]

    operations = [
        migrations.AddField(
            model_name="chargepoint",
            name="updated_at",
            field=models.DateTimeField(
                db_default=Now(),
                default=django.utils.timezone.now,
                editable=False,
                help_text="Server time of the last change, except the time of the last message.",
            ),
        ),
        migrations.AddIndex(
            model_name="chargepoint",
            index=models.Index(fields=["updated_at"], name="station_by_change"),
        ),
    ]
