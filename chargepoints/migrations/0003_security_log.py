import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("chargepoints", "0002_site")]

    operations = [
        migrations.AlterField(
            model_name="securityevent",
            name="charge_point",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="security_events",
                to="chargepoints.chargepoint",
            ),
        ),
    ]
