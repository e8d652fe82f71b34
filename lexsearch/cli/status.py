"""`lexsearch status`: what an index holds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

from lexsearch.cli.options import db_option, json_option, open_db, print_json
from lexsearch.cli.terminal import safe, size, table


@click.command("status")
@db_option
@json_option
def command(db: str | None, as_json: bool) -> None:
    """Show what an index holds: photos, folders, disk use, model, last run.

    \b
    Examples:
      lexsearch status
      lexsearch status --db ./photos.lxdb --json
    """
    with open_db(db) as index:
        status = index.status()
    if as_json:
        print_json({"schema": 1, **status})
        return
    click.echo("\n".join(table(rows(status))))


def rows(status: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Name and value of every line."""
    out = [
        ("folder", safe(str(status["directory"]))),
        (
            "photos",
            f"{status.get('images', 0):,} in {status.get('files', 0):,} files" + _added(status),
        ),
        ("skipped", f"{status.get('skipped', 0):,}" + _see_errors(status)),
        ("model", safe(str(status["model"]))),
        ("commit", f"{status['generation']} in {status.get('segments', 0)} segments"),
    ]
    out += _dense(status.get("dense"))
    if status.get("pool_tokens", 1) > 1:
        out.append(("tokens", f"1 kept in place of {status['pool_tokens']}"))
    fusion = status.get("fusion")
    if isinstance(fusion, Mapping):
        out.append(("fusion", safe(learned_line(fusion))))
    used = status.get("bytes")
    if isinstance(used, Mapping):
        parts = ", ".join(f"{name} {size(count)}" for name, count in used.items())
        out.append(("disk", f"{size(sum(used.values()))} ({parts})"))
    out += [_edition(one) for one in status.get("editions", ())]
    out += [("indexed", safe(root)) for root in status.get("roots", ())]
    last = status.get("last_run")
    if isinstance(last, Mapping):
        out.append(("last run", safe(last_run(last))))
    return out


def _added(status: Mapping[str, Any]) -> str:
    return f", {status['added']:,} added by programs" if status.get("added") else ""


def last_run(run: Mapping[str, Any]) -> str:
    """When, how long, and every count that is not 0."""
    counts = [
        f"{value:,} {name}"
        for name, value in run.items()
        if isinstance(value, int) and not isinstance(value, bool) and value
    ]
    said = [str(run.get("started", "")), f"{run.get('seconds', 0.0):.1f} s", *counts]
    if run.get("complete") is False:
        said.append("interrupted")
    return ", ".join(part for part in said if part)


def learned_line(fusion: Mapping[str, Any]) -> str:
    """What was learned, on how much, and by how much it was better than plain RRF."""
    if "problem" in fusion:
        return f"not readable: {fusion['problem']}; forget it with: lexsearch fusion forget"
    facts = fusion["facts"]
    gain = facts.get("gain_over_rrf")
    better = "" if gain is None else f", {facts.get('measure')} {gain:+.4f} over rrf held out"
    return f"{fusion['method']}, learned on {facts.get('queries', 0):,} topics{better}"


def _dense(found: Any) -> list[tuple[str, str]]:
    if not isinstance(found, Mapping):
        return []
    scanned = f"{found['scanned']:,} photos scanned"
    if found["store"] == "flat":
        problem = f"; its lists: {safe(str(found['problem']))}" if "problem" in found else ""
        return [("dense", f"{scanned}{problem}")]
    visited = f"{found['visited']:,} of {found['lists']:,} lists visited"
    return [("dense", f"{visited} (recall@100 {found['recall@100']:.3f}), {scanned}")]


def _edition(one: Mapping[str, Any]) -> tuple[str, str]:
    """A line about what another model made."""
    made = f"{size(one['bytes'])} by {safe(str(one['model'] or 'a model not known'))}"
    if one["state"] == "replaced":
        return ("replaced", f"{made}, kept until: lexsearch clean")
    again = f"lexsearch index --model {safe(str(one['model'] or 'NAME'))} PATH"
    return ("unfinished", f"{made}, goes on with: {again}")


def _see_errors(status: Mapping[str, Any]) -> str:
    return " (see: lexsearch errors)" if status.get("skipped") else ""
