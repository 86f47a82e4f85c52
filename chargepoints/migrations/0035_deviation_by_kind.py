from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("chargepoints", "0034_campaign_pace")]

    operations = [
        migrations.AddIndex(
            model_name="deviation",
            index=models.Index(fields=["kind", "-last_at"], name="deviation_by_kind"),
        ),
    ]
