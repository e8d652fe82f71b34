"""The command `lexsearch ui`: starts the app in a process of its own, on this computer only."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
import webbrowser
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType

import click

from lexsearch.cli.options import db_option, load_settings
from lexsearch.cli.terminal import safe
from lexsearch.errors import ModelMissing, StorageError, UsageError
from lexsearch.restarts import Restarts

HOST = "127.0.0.1"
FIRST_PORT = 8501
PORTS_TRIED = 50
START_S = 60.0  # longest wait for the server
POLL_S = 0.1
APP = Path(__file__).with_name("app.py")

# What the server is told, whatever the user's own Streamlit settings are: this computer only, no
# request from other sites or under other names, small uploads, no statistics, no tracebacks.
SAFE = {
    "server.address": HOST,
    "server.headless": "true",
    "server.enableXsrfProtection": "true",
    "server.enableCORS": "true",
    "server.xsrfCookieSameSite": "strict",
    "server.maxUploadSize": "20",
    "server.fileWatcherType": "none",
    "server.runOnSave": "false",
    "server.enableStaticServing": "false",
    "server.enableAgentApi": "false",
    "server.showEmailPrompt": "false",
    "browser.gatherUsageStats": "false",
    "browser.serverAddress": HOST,
    "client.showErrorDetails": "none",
    "client.toolbarMode": "minimal",
    "client.showSidebarNavigation": "false",
    "logger.hideWelcomeMessage": "true",
    "runner.magicEnabled": "false",
    "theme.font": "sans-serif",
    "theme.baseRadius": "0.5rem",
    "theme.paddingTop": "1rem",
    "theme.light.primaryColor": "#0b6e99",
    "theme.dark.primaryColor": "#4db6e2",
}
ALLOWED_HOSTS = (HOST, "localhost")


@click.command("ui")
@db_option
@click.option(
    "--port",
    type=click.IntRange(1, 65_535),
    help=f"Port to listen on. Default: the first free one from {FIRST_PORT} on.",
)
@click.option(
    "--browser/--no-browser",
    default=None,
    help="Open the app in the browser. Default: when this is a terminal.",
)
def command(db: str | None, port: int | None, browser: bool | None) -> None:
    """Open the app: search, and see patch by patch why a photo was found.

    It listens on this computer only and runs until Ctrl-C; where a failing disk or a lack of memory
    ends it, it is started again. Prints its address on stdout.

    \b
    Examples:
      lexsearch ui
      lexsearch ui --db ./photos.lxdb --port 8600
    """
    if importlib.util.find_spec("streamlit") is None:
        raise ModelMissing(
            "the app needs the package 'streamlit', which is not installed; "
            "get it with: pip install 'lexsearch[ui]'"
        )
    chosen = free_port() if port is None else given_port(port)
    wanted = sys.stdout.isatty() if browser is None else browser
    address = f"http://{HOST}:{chosen}"

    def say() -> None:
        click.echo(f"the app is at {address}  (Ctrl-C stops it)")
        sys.stdout.flush()
        if wanted:
            webbrowser.open(address)

    with _told_to_stop():
        code = run(chosen, db, say)
        if code:
            raise StorageError(f"the app stopped by itself with exit code {code}; start it again")


def run(port: int, db: str | None, say: Callable[[], None]) -> int:
    """Run the server until it ends, anew when a signal like SIGBUS ended it.

    Args:
        port: to listen on.
        db: the index.
        say: called when the server answers for the first time.

    Returns:
        Its exit code.

    Raises:
        StorageError: it did not start, or was ended again and again soon after its start.
    """
    restarts, is_first = Restarts("the app"), True
    while True:
        with _started(port, db) as server:
            wait_until_up(server, f"http://{HOST}:{port}/_stcore/health")
            if is_first:
                say()
            code = server.wait()
        note = restarts.note(code)
        if note is None:
            return code
        click.echo(note, err=True)
        is_first = False


def arguments(port: int) -> list[str]:
    """The command line of the server."""
    flags = [f"--{name}={value}" for name, value in SAFE.items()]
    hosts = [f"--server.allowedHosts={host}" for host in ALLOWED_HOSTS]
    return [
        *(sys.executable, "-P", "-m", "ui.serve", str(APP)),
        *(*flags, *hosts, f"--server.port={port}"),
    ]


def environment(db: str | None) -> dict[str, str]:
    """The environment of the server: ours, with the db in it and no Streamlit settings."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("STREAMLIT_")}
    path = os.pathsep.join(filter(None, [str(APP.parents[1]), kept.get("PYTHONPATH", "")]))
    return {**kept, "PYTHONPATH": path, "LEXSEARCH_DB": load_settings(db).db}


def free_port() -> int:
    """The first port from FIRST_PORT on that nobody listens on.

    Raises:
        UsageError: there is none among PORTS_TRIED.
    """
    for port in range(FIRST_PORT, FIRST_PORT + PORTS_TRIED):
        if _is_free(port):
            return port
    last = FIRST_PORT + PORTS_TRIED - 1
    raise UsageError(f"all ports from {FIRST_PORT} to {last} are taken; name one with: --port N")


def given_port(port: int) -> int:
    """The port itself.

    Raises:
        UsageError: somebody listens on it.
    """
    if not _is_free(port):
        raise UsageError(f"port {port} is taken by another program; name another with: --port N")
    return port


def _is_free(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        if os.name == "posix":
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
        return True


def wait_until_up(server: subprocess.Popen[bytes], health: str) -> None:
    """Return when the server answers.

    Raises:
        StorageError: it ended, or did not answer within START_S.
    """
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline:
        if server.poll() is not None:
            raise StorageError(f"the app did not start: exit code {server.returncode}")
        if _answers(health):
            return
        time.sleep(POLL_S)
    raise StorageError(f"the app did not answer at {safe(health)} within {START_S:.0f} s")


def _answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(address, timeout=1.0) as answer:  # noqa: S310  (our own)
            return bool(answer.status == 200)
    except OSError:
        return False


@contextlib.contextmanager
def _told_to_stop() -> Iterator[None]:
    """Ctrl-C ends this quietly, and SIGTERM as it ends any program."""

    def leave(number: int, frame: FrameType | None) -> None:
        raise SystemExit(128 + number)

    before = signal.signal(signal.SIGTERM, leave)
    try:
        yield
    except KeyboardInterrupt:
        click.echo("stopped", err=True)
    finally:
        signal.signal(signal.SIGTERM, before)


@contextlib.contextmanager
def _started(port: int, db: str | None) -> Iterator[subprocess.Popen[bytes]]:
    """A server that does not outlive this."""
    server = subprocess.Popen(  # noqa: S603  (our own interpreter, a fixed list)
        arguments(port), env=environment(db), stdin=subprocess.DEVNULL, stdout=sys.stderr
    )
    try:
        yield server
    finally:
        if server.poll() is None:
            server.terminate()
            try:
                server.wait(timeout=5.0)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()
