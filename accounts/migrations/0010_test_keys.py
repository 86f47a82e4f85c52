from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0009_key_scopes"),
    ]

    operations = [
        migrations.AddField(
            model_name="apikey",
            name="is_test",
            field=models.BooleanField(
                db_default=False,
                default=False,
                help_text="Sees and changes only the stations of the test site, and what belongs to them.",
                verbose_name="test key",
            ),
        ),
    ]
