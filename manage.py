#!/usr/bin/env python
"""Django's command line."""

import os
import sys


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "ocpp_server.settings")
    try:
        from django.core.management import execute_from_command_line
    except ModuleNotFoundError:
        sys.stderr.write("Django is not installed here; python3 run.py manage ... runs this where it is.\n")
        raise SystemExit(2) from None

    from ocpp_server.environment.env import SettingError

    try:
        execute_from_command_line(sys.argv)
    except SettingError as error:
        # The operator has to correct the setting: print the sentence without a traceback.
        sys.stderr.write(f"{error}\n")
        raise SystemExit(2) from None


if __name__ == "__main__":
    main()
