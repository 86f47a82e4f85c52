from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("alerts", "0003_muted"),
    ]

    operations = [
        migrations.AddField(
            model_name="alert",
            name="first_acknowledged_at",
            field=models.DateTimeField(blank=True, editable=False, null=True),
        ),
    ]
