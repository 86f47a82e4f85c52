from django.db import migrations

from ocpp_server.storage.operations import SetFillfactor


class Migration(migrations.Migration):
    dependencies = [("transactions", "0010_events_way_back")]

    # Each reading updates the row of its session. Half a page is enough when all sessions of a page are
    # updated in one commit.
    operations = [SetFillfactor("transaction", percent=50)]
