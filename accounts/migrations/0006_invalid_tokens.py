from django.db import migrations


def reconcile(apps, schema_editor):
    """A token that is not valid has the status invalid, and the other way round."""
    tokens = apps.get_model("accounts", "Token").objects.using(schema_editor.connection.alias)
    tokens.filter(valid=False, status="active").update(status="invalid")
    tokens.filter(valid=True, status="invalid").update(valid=False)


class Migration(migrations.Migration):
    dependencies = [("accounts", "0005_token_upload")]

    operations = [migrations.RunPython(reconcile, migrations.RunPython.noop, elidable=True)]
