from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("chargepoints", "0031_site_time_zone"),
    ]

    operations = [
        migrations.AddField(
            model_name="site",
            name="is_test",
            field=models.BooleanField(
                db_default=False,
                default=False,
                editable=False,
                help_text="The site of test keys: its stations are in no sum and open no alert.",
                verbose_name="test site",
            ),
        ),
    ]
