#!/usr/bin/env python
"""Django's command line."""

import os
import sys


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "ocpp_server.settings")
    from django.core.management import execute_from_command_line  # noqa: PLC0415 - needs the variable above

    from ocpp_server.env import SettingError  # noqa: PLC0415

    try:
        execute_from_command_line(sys.argv)
    except SettingError as error:
        # A wrong setting is the operator's to mend: a sentence helps, a traceback does not.
        sys.stderr.write(f"{error}\n")
        raise SystemExit(2) from None


if __name__ == "__main__":
    main()
