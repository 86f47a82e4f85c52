from django.db import migrations, models


class Migration(migrations.Migration):
    """A new column with a constant default in the database: no row is rewritten, and an older release inserts."""

    dependencies = [("transactions", "0017_transaction_of_2_1")]

    operations = [
        migrations.AddField(
            model_name="transaction",
            name="counts_cost",
            field=models.BooleanField(
                db_default=False,
                default=False,
                help_text="2.1: the station calculates the cost, and the server sends none.",
            ),
        ),
    ]
