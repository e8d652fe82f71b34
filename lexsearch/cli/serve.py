"""`lexsearch serve`: one warm index for many programs, over HTTP."""

from __future__ import annotations

import importlib.util
import os
import sys
from typing import TYPE_CHECKING

import click

from lexsearch.cli.options import db_option, load_settings
from lexsearch.errors import ModelMissing

if TYPE_CHECKING:
    from lexsearch.server.options import ServerOptions

NEEDED = ("fastapi", "prometheus_client", "uvicorn")


@click.command("serve")
@db_option
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port",
    type=click.IntRange(0, 65_535),
    default=8080,
    show_default=True,
    help="Port to listen on; 0 takes any free one.",
)
@click.option(
    "--token",
    metavar="TOKEN",
    help="Ask every client for it. Better given as LEXSEARCH_TOKEN, which no list of processes "
    "shows. A server that others can reach makes one when there is none.",
)
@click.option(
    "--allowed-host",
    "allowed",
    multiple=True,
    metavar="NAME",
    help="A further name that clients may call the server by. Repeatable.",
)
@click.option(
    "--model-ttl",
    "ttl",
    type=click.FloatRange(min=0),
    default=300.0,
    show_default=True,
    metavar="SECONDS",
    help="Release the model after so long without a request; 0 keeps it.",
)
@click.option("--log-queries", is_flag=True, help="Write what is searched for into the log.")
def command(
    db: str | None,
    host: str,
    port: int,
    token: str | None,
    allowed: tuple[str, ...],
    ttl: float,
    log_queries: bool,
) -> int:
    """Answer searches over HTTP, with the model kept in memory.

    Listens on this computer only unless --host says otherwise; then every client must send the
    token. Prints its address on stdout, one line for each request on stderr, and runs until
    Ctrl-C. Where a failing disk or a lack of memory ends it, it is started again (on Linux).
    What it answers is described at /openapi.json.

    \b
    Examples:
      lexsearch serve --db ./photos.lxdb
      lexsearch search "dog on sand" --server http://127.0.0.1:8080
      LEXSEARCH_TOKEN=... lexsearch serve --host 0.0.0.0 --allowed-host photos.example
    """
    missing = [name for name in NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        raise ModelMissing(
            f"the server needs the package {missing[0]!r}, which is not installed; "
            "get it with: pip install 'lexsearch[server]'"
        )
    from lexsearch.bundle.location import db_directory
    from lexsearch.bundle.snapshot import Snapshot
    from lexsearch.cli.run import complain
    from lexsearch.server import start
    from lexsearch.server.options import ServerOptions, is_loopback, new_token

    settings = load_settings(db)
    os.environ.pop("LEXSEARCH_TOKEN", None)  # decoders of strangers' pictures need not know it
    Snapshot.open(db_directory(settings.db, data_dir=settings.data_dir)).close()
    secret = settings.token if token is None else token
    if not secret and not is_loopback(host):
        secret = new_token()
        click.echo(f"token: {secret}  (clients send it as Authorization: Bearer ...)", err=True)
    names = frozenset(name.lower() for name in allowed)
    options = ServerOptions(host, port, secret, names, ttl, log_queries)
    return start.serve(settings, options, lambda address: _say(address, options), complain)


def _say(address: str, options: ServerOptions) -> None:
    if not options.is_local:
        click.echo(
            "note: the connection is not encrypted; put a proxy that speaks TLS before it", err=True
        )
    click.echo(f"the server is at {address}  (Ctrl-C stops it)")
    sys.stdout.flush()
