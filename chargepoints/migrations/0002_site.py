import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("chargepoints", "0001_initial")]

    operations = [
        migrations.CreateModel(
            name="Site",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(max_length=100)),
                (
                    "name_key",
                    models.CharField(
                        editable=False, help_text="The name as it is compared.", max_length=300, unique=True
                    ),
                ),
                (
                    "address",
                    models.CharField(blank=True, default="", help_text="Street and number.", max_length=150),
                ),
                ("postal_code", models.CharField(blank=True, default="", max_length=10)),
                ("city", models.CharField(blank=True, default="", max_length=45)),
                (
                    "country",
                    models.CharField(
                        blank=True, default="", help_text="ISO 3166-1, such as AUT.", max_length=3
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("updated_at", models.DateTimeField(auto_now=True)),
            ],
            options={"ordering": ["name_key"]},
        ),
        migrations.AddField(
            model_name="chargepoint",
            name="site",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="charge_points",
                to="chargepoints.site",
            ),
        ),
    ]
