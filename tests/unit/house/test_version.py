"""The code defines the version once; every other place that shows the version agrees."""

from __future__ import annotations

import json
import re
import tomllib

import yaml
from django.conf import settings

from ocpp_server import __version__
from tests.servers import ROOT


def test_the_package_has_the_version() -> None:
    assert tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"] == __version__


def test_the_api_document_has_the_version() -> None:
    assert settings.SPECTACULAR_SETTINGS["VERSION"] == __version__


def test_the_typescript_client_has_the_version() -> None:
    package = json.loads((ROOT / "clients" / "typescript" / "package.json").read_text())

    assert package["version"] == __version__


def test_the_newest_section_of_the_changelog_has_the_version() -> None:
    newest = re.search(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)

    assert newest and newest[1] == __version__


def test_the_image_in_the_cluster_has_the_version() -> None:
    customization = yaml.safe_load((ROOT / "k8s" / "kustomization.yaml").read_text())

    assert [image["newTag"] for image in customization["images"]] == [__version__]
