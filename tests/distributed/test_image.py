"""Does the steps of the Dockerfile without a container engine.

It installs the locked packages in an empty environment, copies the files of the image, and runs every role as
another user, who may write only to /tmp.
"""

from __future__ import annotations

import os
import pwd
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest

from tests.distributed.cluster import Cluster
from tests.distributed.conftest import MakeCluster
from tests.servers import ROOT, free_port

pytestmark = pytest.mark.soak
ROLES = ("web", "gateway", "processor", "housekeeping", "accounts")
SECONDS = 90


class Image:
    """A folder that stands for the root of the image."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.packages, self.server = root / "packages", root / "server"
        self.user = pwd.getpwnam("nobody").pw_uid if os.geteuid() == 0 else None
        # These are the variables of the Dockerfile, with the volume and /tmp in folders of this image.
        lines = re.findall(r"([A-Z_]+)=(\S+)", (ROOT / "Dockerfile").read_text().partition("RUN useradd")[0])
        self.tmp = root / "tmp"
        self.environment = dict(lines) | {
            "PATH": f"{self.packages / 'bin'}:/usr/bin:/bin",
            "DATA_DIR": str(root / "data"),
            "HEALTH_FILE": str(self.tmp / "ocpp-health"),
            "TMPDIR": str(self.tmp),
        }

    def build(self) -> None:
        self.root.chmod(0o755)
        subprocess.run([python(), "-m", "venv", "--copies", "--without-pip", self.packages], check=True)
        interpreter = self.packages / "bin" / "python"
        pip = [sys.executable, "-m", "pip", "--python", interpreter, "install", "--quiet", "--no-input"]
        lock = ROOT / "requirements.txt"
        subprocess.run([*pip, "--disable-pip-version-check", "--require-hashes", "-r", lock], check=True)
        for name in files_of_the_image():
            target = self.server / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, target)
        self.tmp.mkdir(mode=0o777)
        self.tmp.chmod(0o777)
        if self.user is None:
            subprocess.run(["chmod", "-R", "a-w", self.server], check=True)

    def start(self, *words: str, **environment: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            ["python", "run.py", *words],
            cwd=self.server,
            env=self.environment | environment,
            user=self.user,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(self, *words: str, **environment: str) -> tuple[int, str]:
        process = self.start(*words, **environment)
        output, _ = process.communicate(timeout=SECONDS)
        return process.returncode, output

    def written(self) -> list[str]:
        """Files of the image that a process has changed or created, without /tmp."""
        return [
            str(path)
            for path in self.root.rglob("*")
            if path.lstat().st_mtime > self.built_at and self.tmp not in (path, *path.parents)
        ]

    @property
    def built_at(self) -> float:
        return (self.tmp / ".built").stat().st_mtime


def python() -> str:
    """Find an interpreter that other users may run, as in the image."""
    candidates = (sys.executable, "/usr/bin/python3.13", "/usr/bin/python3.12", "/usr/bin/python3.11")
    for path in candidates:
        real = Path(path).resolve()
        reachable = all(folder.stat().st_mode & 0o001 for folder in real.parents if folder.exists())
        if real.exists() and (reachable or os.geteuid() != 0):
            return str(real)
    pytest.fail("No Python is installed that another user may run.")


def files_of_the_image() -> list[str]:
    """The files that COPY takes: the working tree without the entries of .dockerignore."""
    list_files = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(list_files, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    ignored = [line.strip() for line in (ROOT / ".dockerignore").read_text().splitlines() if line.strip()]
    names = [name for name in listed.splitlines() if (ROOT / name).exists()]
    return [name for name in names if not any(is_ignored(name, rule) for rule in ignored)]


def is_ignored(name: str, rule: str) -> bool:
    parts = Path(name).parts
    if rule.startswith("**/"):
        return any(fnmatch(part, rule[3:]) for part in parts)
    return name == rule or name.startswith(f"{rule}/")


@pytest.fixture(scope="module")
def image() -> Iterator[Image]:
    root = Path(tempfile.mkdtemp(prefix="ocpp-image-"))  # other users cannot read the folders of pytest
    image = Image(root)
    try:
        image.build()
        (image.tmp / ".built").touch()
        yield image
    finally:
        shutil.rmtree(root, ignore_errors=True)


@pytest.fixture(scope="module")
def cluster(make_cluster: MakeCluster) -> Cluster:
    return make_cluster(0)


def until(condition: Callable[[], Any], process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert process.poll() is None, process.communicate()[0]
        assert time.monotonic() < deadline, "the condition did not become true in time"
        time.sleep(0.1)  # poll: another process makes it true


def settings_of(cluster: Cluster, image: Image) -> dict[str, str]:
    return cluster.environment | {"DATA_DIR": image.environment["DATA_DIR"]}


def test_the_image_migrates(image: Image, cluster: Cluster) -> None:
    credentials = {
        "DJANGO_SUPERUSER_PASSWORD": "correct horse battery",
        "OCPP_BOOTSTRAP_API_KEY": "key-of-the-image-0123456789",
    }

    status, output = image.run("migrate", **settings_of(cluster, image), **credentials)

    assert (status, output) == (0, "The database is up to date.\n")


@pytest.mark.parametrize("role", ROLES)
def test_the_image_runs_every_role_as_another_user_and_writes_no_file(
    image: Image, cluster: Cluster, role: str
) -> None:
    ports = {"HTTP_PORT": str(free_port()), "ACCOUNTS_PORT": str(free_port())}
    variables = settings_of(cluster, image) | ports
    health = image.tmp / "ocpp-health"
    health.unlink(missing_ok=True)

    process = image.start(role, **variables)
    try:
        until(health.exists, process)
        until(lambda: image.run("healthcheck", **variables)[0] == 0, process)
        ready = image.run("healthcheck", "--ready", **variables)
    finally:
        process.terminate()
        output, _ = process.communicate(timeout=SECONDS)

    assert ready == (0, "")
    assert process.returncode == 0 and "Traceback" not in output, output
    assert image.written() == []


def test_the_image_without_settings_runs_all_roles_in_one_process(image: Image) -> None:
    data = image.root / "tmp" / "data"
    variables = {"DATA_DIR": str(data), "HTTP_PORT": str(free_port())}
    (image.tmp / "ocpp-health").unlink(missing_ok=True)

    process = image.start(**variables)
    try:
        until(lambda: image.run("healthcheck", **variables)[0] == 0, process)
    finally:
        process.terminate()
        output, _ = process.communicate(timeout=SECONDS)

    assert process.returncode == 0, output
    assert (data / "first-login.txt").exists() and image.written() == []
