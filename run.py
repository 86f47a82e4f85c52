#!/usr/bin/env python3
"""Install the requirements and start the server, in one command.

  python3 run.py                  start the server (http://localhost:8081; data in ./data)
  python3 run.py demo             the same with simulated stations that keep charging (data in ./data/demo)
  python3 run.py demo --security 3  a demo of mutual TLS and Plug & Charge (data in ./data/demo-security)
  python3 run.py accounts         start the accounts API alone (http://localhost:59800)

  One role of a server that runs as several processes, over Redis and PostgreSQL (docs/deployment.md):
  python3 run.py migrate          bring the database up to date; once, before the roles start
  python3 run.py web              REST API, admin and station WebSockets (WEB_WORKERS processes)
  python3 run.py gateway          station WebSockets alone, which a deployment of the others leaves open
  python3 run.py processor        the messages that come in through gateways
  python3 run.py housekeeping     deadlines, expiries, retention; one of several is elected
  python3 run.py signer           the keys of our CAs: certificates and revocation lists
  (docs/certificates.md) python3 run.py healthcheck      check this container's process; --ready: and the
  parts that it needs

  python3 run.py test             run the linters, the type checker and all tests
  python3 run.py test --fast      the same with the tests that start no process: less than three minutes
  python3 run.py test --mutate PATH  change the code in small ways and list what no test notices
  python3 run.py test ARGS        only pytest ARGS; -m nightly for the long tests of a release
  python3 run.py manage ARGS      run a Django command, such as: manage changepassword admin
  python3 run.py load-test ARGS   put load on a server by simulated stations; --help lists the options
  python3 run.py bench ARGS       compare the cost of a message with the plain ocpp package (bench/README.md)
  python3 run.py --help           this text

The first run makes .venv beside this file and installs the locked requirements into it; later runs only do
so again when the lock has changed. Settings come from the environment or a file .env; see .env.example.
With RUN_IN_PLACE=1 the running interpreter is used as it is and nothing is installed (images, tests).
"""

# Only the standard library is imported until the environment exists. The syntax is valid in every Python 3,
# so that an old Python can print which version is required.

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

ROOT = Path(__file__).resolve().parent
OLDEST, NEWEST = (3, 11), (3, 13)
ROLES = ("web", "gateway", "processor", "housekeeping", "signer")
# Commands that need the development requirements and start servers with settings of their own.
DEVELOPERS = ("test", "load-test", "bench")
WRONG_SETTING = 2
# The tests of `test --fast`: all but those that start a process and those that run on request.
FAST = "not process and not nightly and not soak and not load and not browser"


class RunError(Exception):
    """A failure that ends the run. `str(error)` is a sentence with the reason; `code` is the exit status."""

    def __init__(self, sentence: str, code: int = 1) -> None:
        super().__init__(sentence)
        self.code = code


# -- the environment: .venv and its packages -----------------------------------------------------------


class Environment:
    """The Python interpreter of the server and its installed packages."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.python = folder / "bin" / "python"
        self.packages = folder / "packages"  # used only where no virtual environment can be created

    def command(self, *arguments: str) -> tuple[list[str], dict[str, str]]:
        """The command line and the environment variables that run Python with these packages."""
        variables = dict(os.environ, RUN_IN_PLACE="1")
        if self.packages.is_dir():
            known = [str(self.packages), *filter(None, [os.environ.get("PYTHONPATH")])]
            return [sys.executable, *arguments], dict(variables, PYTHONPATH=os.pathsep.join(known))
        return [str(self.python), *arguments], variables

    def provide(self, lock: Path) -> None:
        """Create the environment and install a lock file, unless this lock is installed already.

        Raises RunError when the folder can't be written, neither venv nor pip is there, or pip fails.
        """
        stamp = self.folder / f"{lock.stem}.installed"
        digest = hashlib.sha256(lock.read_bytes()).hexdigest()
        usable = self.python.exists() or self.packages.is_dir()
        if usable and stamp.is_file() and stamp.read_text() == digest:
            return
        if not os.access(self.folder if self.folder.exists() else self.folder.parent, os.W_OK):
            raise RunError(f"The folder {self.folder.parent} can't be written to, and .venv belongs there.")
        print(f"Installing {lock.name} into {self.folder.name} (once, about a minute) ...", flush=True)
        done = subprocess.run(self._installer(lock), env=_pip_variables(), check=False)
        if done.returncode != 0:
            raise RunError(f"Installing {lock.name} failed; see the message of pip above.")
        stamp.write_text(digest)

    def _installer(self, lock: Path) -> list[str]:
        """The install command of the first method that works with this Python.

        Debian removes ensurepip from Python and marks its pip as externally managed: then the environment is
        created without pip, and another pip installs into it. If the venv module is missing too, packages are
        installed into a folder. The packages of the system never change.
        """
        outside = [sys.executable, "-m", "pip"]
        install = ["install", "--quiet", "--require-hashes", "-r", str(lock)]
        if not _works(self.python, "-c", "pass"):
            shutil.rmtree(self.folder, ignore_errors=True)
            if not _works(sys.executable, "-m", "venv", self.folder):
                _works(sys.executable, "-m", "venv", "--without-pip", self.folder)
        if _works(self.python, "-m", "pip", "--version"):
            return [str(self.python), "-m", "pip", *install]
        if _works(self.python, "-c", "pass"):
            if _works(*outside, "--python", self.python, "--version"):
                return [*outside, "--python", str(self.python), *install]
            if uv := shutil.which("uv"):
                return [uv, "pip", *install, "--python", str(self.python)]
        elif _works(*outside, "--version"):
            shutil.rmtree(self.folder, ignore_errors=True)
            self.packages.mkdir(parents=True)
            return [*outside, *install, "--target", str(self.packages)]
        raise RunError(
            f"{sys.executable} has neither a complete venv nor pip; install one of them "
            "(Debian, Ubuntu: apt install python3-venv) and start again."
        )


def _works(*command: str | Path) -> bool:
    try:
        return subprocess.run(command, env=_pip_variables(), capture_output=True, check=False).returncode == 0
    except OSError:
        return False  # no such interpreter, so it does not work


def _pip_variables() -> dict[str, str]:
    # These variables of the shell would make pip install into another place.
    misleading = {"PYTHONPATH", "PYTHONHOME", "PIP_TARGET", "PIP_USER"}
    kept = {name: value for name, value in os.environ.items() if name not in misleading}
    return dict(kept, PIP_DISABLE_PIP_VERSION_CHECK="1")


def check_python() -> None:
    version = sys.version_info[:2]
    if not OLDEST <= version <= NEWEST:
        names = [f"python3.{minor}" for minor in range(NEWEST[1], OLDEST[1] - 1, -1)]
        found = next((name for name in names if shutil.which(name)), None)
        hint = f"try {found} run.py" if found else "install one of them and start with it"
        raise RunError(f"Python 3.11, 3.12 or 3.13 is needed and this is {version[0]}.{version[1]}; {hint}.")


# -- the commands --------------------------------------------------------------------------------------


def serve(*, demo: bool = False) -> int:
    os.environ["DJANGO_SETTINGS_MODULE"] = "ocpp_server.settings"
    from ocpp_server.process import start

    return start.serve(demo=demo)


def secure_demo() -> int:
    os.environ["DJANGO_SETTINGS_MODULE"] = "ocpp_server.settings"
    from ocpp_server.process import secure_demo as prepared

    return prepared.serve()


def accounts() -> int:
    os.environ["DJANGO_SETTINGS_MODULE"] = "ocpp_server.accounts_settings"
    from ocpp_server.process import start_accounts

    return start_accounts.serve()


def role(name: str) -> int:
    os.environ["DJANGO_SETTINGS_MODULE"] = "ocpp_server.settings"
    from ocpp_server.environment.roles import Role
    from ocpp_server.process import start_roles

    return start_roles.serve(Role(name))


def migrate() -> int:
    os.environ["DJANGO_SETTINGS_MODULE"] = "ocpp_server.settings"
    from ocpp_server.process import start_roles

    return start_roles.migrate()


def healthcheck(arguments: list[str]) -> int:
    """Check the health file. Probes run this every few seconds, so it imports no installed package."""
    from ocpp_server.environment import env
    from ocpp_server.process import health_file

    wrong = health_file.check(env.read(), ready="--ready" in arguments)
    if wrong:
        sys.stderr.write(f"{wrong}\n")
    return int(bool(wrong))


def manage(arguments: list[str]) -> int:
    # Replace this process, so that Ctrl-C and SIGTERM reach the command and not a waiting parent.
    sys.stdout.flush()
    return os.execv(sys.executable, [sys.executable, str(ROOT / "manage.py"), *arguments])


def module(name: str, arguments: list[str]) -> int:
    """Replace this process by `python -m NAME ARGS` in the current folder: file names are relative to it."""
    known = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    variables = dict(os.environ, PYTHONPATH=os.pathsep.join(known))
    sys.stdout.flush()
    return os.execve(sys.executable, [sys.executable, "-m", name, *arguments], variables)


def run_step(command: list[str], variables: dict[str, str]) -> int:
    """Run a step of the tests; returns its exit status. Ctrl-C reaches the step too: wait for its end."""
    with subprocess.Popen(command, cwd=ROOT, env=variables) as process:
        try:
            return process.wait()
        except KeyboardInterrupt:
            while process.poll() is None:
                with contextlib.suppress(KeyboardInterrupt):
                    process.wait()
            raise


def test(arguments: list[str]) -> int:
    """Run all checks; pytest is last, so that its summary is the last output."""
    from ocpp_server.environment import table

    python = [sys.executable, "-m"]
    django = [sys.executable, str(ROOT / "manage.py")]
    steps = {
        "ruff": [*python, "ruff", "check", "."],
        "mypy": [*python, "mypy"],
        "manage.py check": [*django, "check"],
        "makemigrations --check": [*django, "makemigrations", "--check", "--dry-run"],
    }
    is_fast = arguments == ["--fast"]
    if is_fast:
        arguments = ["-m", FAST]
    with tempfile.TemporaryDirectory(prefix="ocpp-server-tests-") as folder:
        # Without the settings of the shell and .env: the tests use the defaults and an empty DATA_DIR.
        known = {variable.name for variable in table.VARIABLES}
        variables = {name: value for name, value in os.environ.items() if name not in known}
        variables |= {"DATA_DIR": folder, "ENV_FILE": os.devnull}
        # The tests start many processes, and each would compile the project again.
        variables.pop("PYTHONDONTWRITEBYTECODE", None)
        if arguments[:1] == ["--mutate"]:
            return run_step([*python, "tests.mutation", *arguments[1:]], variables)
        if is_fast:
            variables["TESTS_START_NO_PROCESS"] = "1"
        failed = []
        if is_fast or not arguments:
            with compiling([*python, "pytest", "--collect-only", "-qq", "-p", "no:cacheprovider"], variables):
                for name, command in steps.items():
                    print(f"== {name}", flush=True)
                    if run_step(command, variables) != 0:
                        failed.append(name)
        if failed:
            print(f"== FAILED: {', '.join(failed)} (above); the tests follow", flush=True)
        # Four on two cores: many tests wait for a deadline or a lease.
        status = run_step([*python, "pytest", "-n", "4", "--dist", "worksteal", *arguments], variables)
    return status or int(bool(failed))


@contextlib.contextmanager
def compiling(command: list[str], variables: dict[str, str]) -> Iterator[None]:
    """Compile the tests meanwhile, on the core that mypy leaves idle: otherwise each worker compiles them."""
    process = subprocess.Popen(
        command, cwd=ROOT, env=variables, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        yield
        process.wait()  # an error of the collection is shown by the tests themselves
    finally:
        process.kill()
        process.wait()


def run(arguments: list[str]) -> int:
    """Run one command line; returns the exit status. Raises RunError and SettingError."""
    command, rest = (arguments[0], arguments[1:]) if arguments else ("serve", [])
    if command in {"-h", "--help", "help"}:
        print(__doc__)
        return 0
    alone = {"serve", "demo", "accounts", "migrate", *ROLES}
    probes = command == "healthcheck" and rest in ([], ["--ready"])
    is_secure = command == "demo" and rest == ["--security", "3"]
    is_known = probes or command in {*alone, *DEVELOPERS, "manage"}
    if not is_known or (rest and command in alone and not is_secure):
        raise RunError(f"There is no command {' '.join(arguments)!r}; python3 run.py --help names them.", 2)
    check_python()
    sys.path.insert(0, str(ROOT))
    if command not in DEVELOPERS:
        from ocpp_server.environment import env

        # Read the settings before installing: a wrong one is then reported at once and not after a minute.
        env.load_file(ROOT / os.environ.get("ENV_FILE", ".env"))
        if command == "demo" and not os.environ.get("DATA_DIR"):
            # Simulated data stays apart.
            os.environ["DATA_DIR"] = str(ROOT / "data" / ("demo-security" if is_secure else "demo"))
        env.read()
    if command == "healthcheck":
        return healthcheck(rest)
    if os.environ.get("RUN_IN_PLACE") == "1":
        commands: dict[str, Callable[[], int]] = {
            "serve": serve,
            "demo": secure_demo if is_secure else lambda: serve(demo=True),
            "accounts": accounts,
            "migrate": migrate,
            **{name: partial(role, name) for name in ROLES},
            "test": lambda: test(rest),
            "manage": lambda: manage(rest),
            "load-test": lambda: module("bench.load_test", rest),
            "bench": lambda: module("bench", rest),
        }
        return commands[command]()
    environment = Environment(ROOT / ".venv")
    environment.provide(ROOT / ("requirements-dev.txt" if command in DEVELOPERS else "requirements.txt"))
    line, variables = environment.command(str(Path(__file__).resolve()), *arguments)
    sys.stdout.flush()
    # Replace this process, so that signals reach the server directly.
    return os.execve(line[0], line, variables)


def handle_sigterm(pid: int) -> None:
    """Handle SIGTERM in process 1 of a container from the beginning.

    The kernel ignores a signal to process 1 that has no handler: a SIGTERM during the start of the server
    would be lost, and the container would be killed only after its grace period.
    """
    if pid == 1:
        signal.signal(signal.SIGTERM, lambda *_: os._exit(128 + signal.SIGTERM))


def main() -> int:
    handle_sigterm(os.getpid())
    try:
        return run(sys.argv[1:])
    except RunError as error:
        sys.stderr.write(f"{error}\n")
        return error.code
    except KeyboardInterrupt:
        return 130
    except Exception as error:
        # Compare the name of the class: importing its module would fail on an unsupported Python.
        if type(error).__name__ != "SettingError":
            raise
        sys.stderr.write(f"{error}\n")
        return WRONG_SETTING


if __name__ == "__main__":
    raise SystemExit(main())
