"""docs/certificates.md: its commands of `manage.py pki` run as they stand there, in their order."""

from __future__ import annotations

import re
import shlex
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from certificates.models import CertificateAuthority
from certificates.signing.keys import KeyFiles
from ocpp_server.process import tls
from tests.unit.certificates.csrs import PASSPHRASE

pytestmark = pytest.mark.django_db
PAGE = Path(__file__).resolve().parents[3] / "docs" / "certificates.md"
COMMANDS = re.findall(r"^    python3 run\.py manage pki (.*)$", PAGE.read_text(), re.MULTILINE)


@pytest.fixture
def folder(tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to work in, with a passphrase in a file."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "signer-passphrase").write_text(f"{PASSPHRASE}\n")
    settings.SIGNER_PASSPHRASE_FILE = tmp_path / "signer-passphrase"
    settings.SIGNER_DIR = tmp_path / "signer"
    return tmp_path


def pki(line: str) -> str:
    output = StringIO()
    call_command("pki", *shlex.split(line), stdout=output)
    return output.getvalue()


def test_the_commands_of_the_page_lead_to_a_ca_a_backup_and_certificates(folder: Path, settings: Any) -> None:
    steps = [line.split()[0] for line in COMMANDS]
    assert steps == ["init", "list", "export", "restore", "server-certificate", "rotate"]
    init, shown, export, restore, server, rotate = COMMANDS

    assert "Acme Charging Root: made" in pki(init)
    assert pki(shown).count("key here") == 3
    assert "exists already" in pki(init)
    pki(export)
    settings.SIGNER_DIR = folder / "empty"
    assert pki(shown).count("no key here") == 3
    assert pki(restore).count("key restored") == 3
    answer = dict(line.split("=") for line in pki(server).splitlines())
    assert pki(rotate).count("made") == 3
    assert pki(shown).count("key here") == 6
    with pytest.raises(CommandError, match="--root: Acme 2027 Root, Acme Charging Root"):
        pki(server)
    assert pki(f"{server} --root 'Acme 2027 Root'")

    assert answer.keys() == {"TLS_CERT", "TLS_SECOND_CERT"}
    tls.server_context(
        tls.pairs(
            {name: folder / path for name, path in answer.items()} | {"TLS_KEY": None, "TLS_SECOND_KEY": None}
        )
    )


def test_no_command_shows_a_key_or_the_passphrase(
    folder: Path, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    shown = "".join(pki(line) for line in COMMANDS)

    out, error = capfd.readouterr()
    for text in (shown, out, error, caplog.text):
        assert PASSPHRASE not in text
        assert "PRIVATE KEY" not in text
    for path in folder.rglob("*"):
        if path.is_file() and path.name != "signer-passphrase":
            assert PASSPHRASE not in path.read_text()
            assert path.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("init --organization ''", "1 to 64 printable characters"),
        ("restore missing.json", "No such file"),
        ("export --encrypted signer-passphrase", "exists already"),
        ("server-certificate --name csms.example.com --out tls", "no CA yet"),
        ("import --name Old --certificate signer-passphrase --key signer-passphrase", "PEM"),
    ],
)
def test_a_wrong_command_ends_with_a_sentence(folder: Path, line: str, sentence: str) -> None:
    with pytest.raises(CommandError, match=sentence):
        pki(line)
    assert not CertificateAuthority.objects.exists()


def test_an_encrypted_key_of_an_existing_ca_is_imported(folder: Path) -> None:
    from certificates.signing import keys
    from ocpp_server.pki import parsing
    from tests.unit.pki import made

    root = made.make("Old Root", is_ca=True)
    issuing = made.make("Old Issuing", by=root, is_ca=True)
    (folder / "chain.pem").write_text(parsing.pem_of(issuing.certificate, root.certificate))
    (folder / "key.pem").write_bytes(keys.sealed(issuing.key, b"the passphrase of the old ca"))
    (folder / "old-passphrase").write_text("the passphrase of the old ca")
    line = "import --name Old --certificate chain.pem --key key.pem --key-passphrase-file old-passphrase"

    assert "Old: imported" in pki(line)

    store = KeyFiles(folder / "signer", PASSPHRASE)
    assert store.key("old").public_key() == issuing.certificate.public_key()
