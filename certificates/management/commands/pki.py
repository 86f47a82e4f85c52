"""The CAs of this installation: `manage.py pki init | rotate | import | list | export | restore |
server-certificate`.
"""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from certificates.models import CertificateAuthority
from certificates.signing import authorities, backup, keys, lists, servers
from certificates.signing.keys import KeyUnusable
from ocpp_server.domain import DomainError
from ocpp_server.pki import parsing


class Command(BaseCommand):
    help = "Make, import, back up and restore the CAs. It needs the passphrase: run it where the signer runs."

    def add_arguments(self, parser: ArgumentParser) -> None:
        steps = parser.add_subparsers(dest="step", required=True, metavar="STEP")
        init = steps.add_parser("init", help="Make a root and its issuing CAs, as far as they are missing.")
        init.add_argument(
            "--organization", required=True, help="The operator's name: O of every certificate."
        )
        init.add_argument(
            "--name", default="", help="The start of the CAs' names; the organization unless given."
        )
        _usage(init)
        init.add_argument("--root-key", choices=[keys.RSA, keys.ECDSA], default="", help="Of the root.")
        rotate = steps.add_parser("rotate", help="Make a new root, cross-signed by the present one.")
        rotate.add_argument("--name", required=True, help="The start of the new CAs' names.")
        taken = steps.add_parser("import", help="Take over an existing CA.")
        taken.add_argument(
            "--certificate", type=Path, required=True, help="PEM of the CA and of those above it, root last."
        )
        taken.add_argument("--key", type=Path, required=True, help="PEM of its encrypted key.")
        taken.add_argument(
            "--key-passphrase-file", type=Path, help="The passphrase of that key; the signer's unless given."
        )
        taken.add_argument("--name", required=True, help="The CA's name here.")
        _usage(taken)
        steps.add_parser("list", help="Show the CAs and whether their keys are here.")
        export = steps.add_parser("export", help="Write a backup of the CAs with their encrypted keys.")
        export.add_argument("--encrypted", type=Path, required=True, metavar="FILE", help="A new file.")
        restore = steps.add_parser("restore", help="Restore the CAs of a backup.")
        restore.add_argument("file", type=Path)
        for one in (export, restore):
            one.add_argument(
                "--passphrase-file",
                type=Path,
                help="The passphrase of the backup; the signer's unless given.",
            )
        server = steps.add_parser(
            "server-certificate", help="Make certificates of this server, for TLS_CERT and TLS_SECOND_CERT."
        )
        server.add_argument("--name", action="append", required=True, metavar="HOST", help="Repeat for more.")
        server.add_argument("--root", default="", metavar="NAME", help="The root, where there are several.")
        server.add_argument("--out", type=Path, required=True, metavar="DIR")

    def handle(self, *args: Any, **options: Any) -> None:
        step = getattr(self, f"_{options['step'].replace('-', '_')}")
        try:
            step(keys.open_store(), options)
        except (DomainError, KeyUnusable) as error:
            raise CommandError(str(error)) from None
        except OSError as error:
            raise CommandError(f"{error.filename}: {error.strerror}.") from None

    def _init(self, store: keys.KeyStore, options: dict[str, Any]) -> None:
        before = set(CertificateAuthority.objects.values_list("pk", flat=True))
        rows = authorities.set_up(
            store,
            organization=options["organization"],
            name=options["name"],
            usage=options["usage"],
            root_key=options["root_key"],
        )
        lists.sign_due(store)
        for row in rows:
            word = "exists already" if row.pk in before else "made"
            self.stdout.write(f"{row.name}: {word}, valid until {parsing.day(row.not_after)}.")
        self.stdout.write("Back the keys up now: manage.py pki export --encrypted FILE.")

    def _rotate(self, store: keys.KeyStore, options: dict[str, Any]) -> None:
        for row in authorities.rotate(store, name=options["name"]):
            self.stdout.write(f"{row.name}: made, valid until {parsing.day(row.not_after)}.")
        lists.sign_due(store)
        self.stdout.write("Install the new root at the stations before the server uses it.")

    def _import(self, store: keys.KeyStore, options: dict[str, Any]) -> None:
        chain = parsing.certificates(options["certificate"].read_text(), field="certificate")
        pem, path = options["key"].read_bytes(), options["key_passphrase_file"]
        if b"ENCRYPTED" not in pem:
            raise CommandError("The key is not encrypted: encrypt it first, with openssl pkcs8 -topk8.")
        words = keys.read_passphrase(path, "--key-passphrase-file") if path else keys.passphrase()
        key = keys.opened(pem, words.encode(), options["name"])
        row = authorities.import_chain(store, chain, key, name=options["name"], usage=options["usage"])
        self.stdout.write(f"{row.name}: imported, valid until {parsing.day(row.not_after)}.")

    def _list(self, store: keys.KeyStore, options: dict[str, Any]) -> None:
        names = set(store.names())
        for row in CertificateAuthority.objects.select_related("parent").order_by("pk"):
            key = "key here" if row.key_name in names else "no key here"
            above = f"below {row.parent.name}" if row.parent is not None else "root"
            until = parsing.day(row.not_after)
            self.stdout.write(
                f"{row.name}: {row.get_state_display()}, {row.get_key_type_display()}, {above}, "
                f"{row.get_usage_display()}, valid until {until}, {key}"
            )

    def _export(self, store: keys.KeyStore, options: dict[str, Any]) -> None:
        backup.write(options["encrypted"], backup.export(store, _words(options)))
        self.stdout.write(
            f"Written to {options['encrypted']}. Keep it and its passphrase in different places."
        )

    def _restore(self, store: keys.KeyStore, options: dict[str, Any]) -> None:
        rows = backup.restore(store, options["file"].read_text(), _words(options))
        for row in rows:
            authorities.signer(store, row)
            self.stdout.write(f"{row.name}: key restored.")

    def _server_certificate(self, store: keys.KeyStore, options: dict[str, Any]) -> None:
        written = servers.issue(store, options["name"], options["out"], root=options["root"])
        for name, path in zip(("TLS_CERT", "TLS_SECOND_CERT"), written, strict=False):
            self.stdout.write(f"{name}={path}")


def _usage(parser: ArgumentParser) -> None:
    usages = CertificateAuthority.Usage
    parser.add_argument(
        "--usage", choices=usages.values, default=usages.STATIONS, help="v2g: for labs with vehicles."
    )


def _words(options: dict[str, Any]) -> str:
    path = options["passphrase_file"]
    return keys.read_passphrase(path, "--passphrase-file") if path else keys.passphrase()
