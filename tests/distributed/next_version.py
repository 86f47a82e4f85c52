"""The migrations of a next version of the server: copies of the folders, each with one more migration."""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
from pathlib import Path

from tests.distributed.cluster import Cluster
from tests.servers import ROOT

# Additions that an older version can work with: see docs/deployment.md.
STATIONS = """
    operations = [
        migrations.AddField(
            "chargepoint", "depot", models.CharField(max_length=40, default="", db_default="")
        ),
        migrations.AddField("message", "trace", models.CharField(max_length=40, default="", db_default="")),
        migrations.AddField("connector", "cable_m", models.FloatField(null=True)),
    ]
"""
SESSIONS = """
    operations = [
        migrations.AddField(
            "transaction", "tariff", models.CharField(max_length=40, default="", db_default="")
        ),
        migrations.AddField("reading", "quality", models.SmallIntegerField(default=0, db_default=0)),
        migrations.AlterField("transaction", "ended_by", models.CharField(max_length=64, default="")),
        migrations.AddIndex(
            "transaction", models.Index(fields=["tariff", "started_at"], name="transaction_by_tariff")
        ),
        migrations.CreateModel(
            "Invoice",
            [
                ("id", models.BigAutoField(primary_key=True)),
                (
                    "transaction",
                    models.ForeignKey(
                        "transactions.transaction", on_delete=models.CASCADE, related_name="invoices"
                    ),
                ),
            ],
        ),
        migrations.RunPython(
            lambda apps, editor: apps.get_model("transactions", "Transaction").objects.update(tariff="old")
        ),
    ]
"""


class NextVersion:
    """Runs `manage.py migrate` of the next version while the servers of this version run."""

    def __init__(self, folder: Path, cluster: Cluster) -> None:
        self.folder = folder
        self.cluster = cluster
        modules = {
            app: self._copied(app, operations)
            for app, operations in (("chargepoints", STATIONS), ("transactions", SESSIONS))
        }
        (folder / "next_settings.py").write_text(
            f"from ocpp_server.settings import *\n\nMIGRATION_MODULES = {modules!r}\n", "utf-8"
        )

    def _copied(self, app: str, operations: str) -> str:
        module = f"next_{app}"
        shutil.copytree(ROOT / app / "migrations", self.folder / module)
        last = sorted(path.stem for path in (self.folder / module).glob("0*.py"))[-1]
        (self.folder / module / f"{int(last[:4]) + 1:04d}_next.py").write_text(
            "from django.db import migrations, models\n\n\n"
            "class Migration(migrations.Migration):\n"
            f'    dependencies = [("{app}", "{last}")]\n{operations}',
            "utf-8",
        )
        return module

    async def migrate(self) -> asyncio.subprocess.Process:
        paths = os.pathsep.join((str(self.folder), str(ROOT)))
        return await migrate(self.cluster, DJANGO_SETTINGS_MODULE="next_settings", PYTHONPATH=paths)


async def migrate(cluster: Cluster, **environment: str) -> asyncio.subprocess.Process:
    """Start `manage.py migrate`, with both outputs in its standard output."""
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "manage.py",
        "migrate",
        cwd=ROOT,
        env={**os.environ, "ENV_FILE": os.devnull, **cluster.environment, **environment},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )


async def output_of(process: asyncio.subprocess.Process) -> str:
    """Wait for the end of the process, assert that it succeeded and return its output."""
    output, _ = await asyncio.wait_for(process.communicate(), 120)
    text = (output or b"").decode()
    assert process.returncode == 0, text
    return text
