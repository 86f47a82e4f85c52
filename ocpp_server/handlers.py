"""Importing the handlers is what registers them."""

import importlib
import pkgutil

APPS = ("chargepoints", "transactions", "configuration")


def load() -> None:
    """Import every module of every app's `handlers` package; a second handler for an action stops the
    start.
    """
    for app in APPS:
        package = importlib.import_module(f"{app}.handlers")
        for module in pkgutil.iter_modules(package.__path__):
            importlib.import_module(f"{package.__name__}.{module.name}")
