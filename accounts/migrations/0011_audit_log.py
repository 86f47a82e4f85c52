import django.utils.timezone
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0010_test_keys"),
    ]

    operations = [
        migrations.CreateModel(
            name="AuditEntry",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "at",
                    models.DateTimeField(
                        db_index=True, default=django.utils.timezone.now, verbose_name="time"
                    ),
                ),
                ("actor", models.CharField(help_text="The operator or the API key.", max_length=150)),
                (
                    "door",
                    models.CharField(
                        choices=[("rest", "REST API"), ("admin", "Console")],
                        max_length=8,
                        verbose_name="by",
                    ),
                ),
                (
                    "action",
                    models.CharField(help_text="The operation of the API, or the page.", max_length=128),
                ),
                ("path", models.CharField(help_text="Without the query.", max_length=300)),
                (
                    "sent_fields",
                    models.JSONField(default=list, help_text="The names of the values that were sent."),
                ),
                ("status", models.PositiveSmallIntegerField(help_text="The HTTP status of the answer.")),
                ("address", models.CharField(blank=True, default="", max_length=64)),
                ("request_id", models.CharField(blank=True, default="", max_length=64)),
            ],
            options={
                "verbose_name": "audit entry",
                "verbose_name_plural": "audit log",
                "ordering": ["-id"],
                "indexes": [
                    models.Index(fields=["actor", "-id"], name="audit_entry_by_actor"),
                    models.Index(fields=["action", "-id"], name="audit_entry_by_action"),
                ],
            },
        ),
    ]
