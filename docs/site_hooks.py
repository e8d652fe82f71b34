"""What the documentation site fills in when it is built: lists of pages, figures, the server.

`FOLDER/` in the navigation becomes the pages of that folder. In a page `{{ NAME }}` on a line of
its own becomes what the function of that name gives; figures come from `benchmarks/results/`.
"""

from __future__ import annotations

import json
import re
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks" / "results"
MACRO = re.compile(r"^\{\{ (\w+) \}\}$", re.MULTILINE)
MAX_ROWS = 400


def on_config(config: Any) -> Any:
    """Put the pages of folders into the navigation."""
    config["nav"] = _expanded(config["nav"], Path(config["docs_dir"]))
    return config


def on_page_markdown(markdown: str, page: Any, config: Any, files: Any) -> str:
    """Fill in what is marked."""
    return MACRO.sub(lambda match: MACROS[match[1]](), markdown)


def _expanded(nav: list[Any], docs: Path) -> list[Any]:
    found: list[Any] = []
    for entry in nav:
        ((name, value),) = entry.items()
        if isinstance(value, list):
            found.append({name: _expanded(value, docs)})
        elif value.endswith("/"):
            pages = sorted((docs / value).glob("*.md"), key=lambda p: (p.stem != "README", p.stem))
            found.append({name: [{title(page): f"{value}{page.name}"} for page in pages]})
        else:
            found.append(entry)
    return found


def title(page: Path) -> str:
    """The first heading of a page."""
    for line in page.read_text(encoding="utf-8").splitlines():
        if line.startswith("# "):
            return line[2:].replace("`", "").strip()
    raise ValueError(f"{page} has no heading")


def record(name: str) -> dict[str, Any]:
    """One file of `benchmarks/results/`."""
    found: dict[str, Any] = json.loads((RESULTS / f"{name}.json").read_text(encoding="utf-8"))
    return found


def source(found: dict[str, Any], name: str) -> str:
    """Where a figure comes from."""
    machine = found.get("machine", {})
    return (
        f"*`{name}`, {found.get('date', '?')}, commit `{found.get('commit', '?')}`, "
        f"{machine.get('processor', '?')}, {machine.get('cores', '?')} cores.*"
    )


def table(head: list[str], rows: list[list[str]]) -> str:
    """A table in Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(_cell(cell) for cell in line)} |" for line in lines) + "\n"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def number(value: Any) -> str:
    """A figure in at most four digits that count; whole numbers as they are."""
    if isinstance(value, bool) or value is None:
        return {True: "yes", False: "no", None: "-"}[value]
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 1_000 else f"{value:.4g}"
    return str(value)


def targets() -> str:
    """The bundled model against its targets."""
    found = record("bench_model")
    rows = [
        [one["target"], number(one["reached"]), number(one["must"]), number(one["goal"])]
        for one in found["targets"]
    ]
    head = ["target", "reached", "at least", "better"]
    return f"{table(head, rows)}\n{source(found, 'bench_model')}\n"


def serving() -> str:
    """The server under load."""
    found = record("bench_serve")
    rows = [
        [
            number(size["images"]),
            number(line["clients"]),
            *(number(line["requests_per_s"][name]) for name in ("search", "engine", "no-op")),
            *(number(line["ms"]["search"][share]) for share in ("p50", "p99")),
        ]
        for size in found["sizes"]
        for line in size["load"]
    ]
    head = ["pictures", "clients", "searches/s", "engine alone/s", "no-op requests/s", "p50 ms",
            "p99 ms"]  # fmt: skip
    new = [
        [number(size["images"]), *(number(size["command line"]["s"][name]["p50"]) for name in
         ("through the server", "the index itself", "python alone"))]
        for size in found["sizes"]
    ]  # fmt: skip
    cold = ["pictures", "through the server, s", "the index itself, s", "Python alone, s"]
    return (
        f"{table(head, rows)}\nClients and server shared the processors. *Engine alone* is the "
        "same search in one process by as many threads, *no-op* a request that does nothing.\n\n"
        f"One search by the command line, in a new process:\n\n{table(cold, new)}\n"
        f"{source(found, 'bench_serve')}\n"
    )


def records() -> str:
    """All records, value by value."""
    parts = []
    for file in sorted(RESULTS.glob("*.json")):
        found = json.loads(file.read_text(encoding="utf-8"))
        if not isinstance(found, dict):
            continue
        shown = {
            k: v for k, v in found.items() if k not in ("benchmark", "machine", "date", "commit")
        }
        rows = [[f"`{name}`", number(value)] for name, value in leaves(shown)]
        rest = len(rows) - MAX_ROWS
        more = f"\n… and {rest:,} more in the file.\n" if rest > 0 else ""
        parts.append(
            f"### {file.stem}\n\n{source(found, file.stem)}\n\n"
            f'??? note "{len(rows):,} figures"\n\n'
            + "".join(
                f"    {line}\n" for line in table(["figure", "value"], rows[:MAX_ROWS]).splitlines()
            )
            + more
        )
    return "\n".join(parts)


def leaves(value: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    """The values of a nested record with their paths."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from leaves(inner, f"{name} / {key}" if name else str(key))
    elif isinstance(value, list):
        for place, inner in enumerate(value):
            yield from leaves(inner, f"{name} / {place}")
    else:
        yield name, value


def openapi() -> str:
    """The routes of the server, from its own description."""
    sys.path.insert(0, str(ROOT))
    from lexsearch.server.application import create_app
    from lexsearch.server.options import ServerOptions
    from lexsearch.settings import Settings

    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        app = create_app(Settings(place, place, db=f"{place}/none"), ServerOptions())
        document = app.app.app.openapi()  # type: ignore[attr-defined]
    parts = []
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            parts.append(_operation(method, path, operation))
    parts.append("## Forms\n")
    for name, shape in sorted(document["components"]["schemas"].items()):
        if "properties" in shape:
            parts.append(_shape(name, shape))
    return "\n".join(parts)


def _operation(method: str, path: str, operation: dict[str, Any]) -> str:
    about = f"**{operation['summary']}** {operation['description']}"
    text = f"## `{method.upper()} {path}`\n\n{about}\n"
    rows = [
        [f"`{one['name']}`", _kind(one["schema"]), one.get("description", ""),
         "required" if one.get("required") else f"`{one['schema'].get('default')}`"]
        for one in operation.get("parameters", ())
    ]  # fmt: skip
    if rows:
        text += "\n" + table(["parameter", "kind", "about", "default"], rows)
    body = operation.get("requestBody", {}).get("content", {})
    for media, one in body.items():
        text += f"\nBody: `{media}`, {_kind(one['schema'])}.\n"
    errors = [status for status in operation["responses"] if int(status) >= 400]
    good = operation["responses"]["200"].get("content", {})
    answers = ", ".join(f"`{media}` {_kind(one['schema'])}" for media, one in good.items())
    return f"{text}\nAnswer: {answers}. Errors: {', '.join(errors)}.\n"


def _shape(name: str, shape: dict[str, Any]) -> str:
    required = set(shape.get("required", ()))
    rows = [
        [f"`{field}`", _kind(one), one.get("description", ""), "yes" if field in required else ""]
        for field, one in shape["properties"].items()
    ]
    about = shape.get("description", "")
    return f"### {name}\n\n{about}\n\n{table(['field', 'kind', 'about', 'required'], rows)}"


def _kind(shape: dict[str, Any]) -> str:
    """A JSON schema in a few words."""
    if "$ref" in shape:
        name = shape["$ref"].rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    if "anyOf" in shape:
        return " or ".join(dict.fromkeys(_kind(one) for one in shape["anyOf"]))
    if "enum" in shape:
        return ", ".join(f"`{value}`" for value in shape["enum"])
    if "const" in shape:
        return f"`{shape['const']}`"
    kind = shape.get("type", "any")
    if kind == "array":
        return f"list of {_kind(shape['items'])}" if "items" in shape else "list"
    if kind == "object" and isinstance(shape.get("additionalProperties"), dict):
        return f"object of {_kind(shape['additionalProperties'])}"
    ends = [
        f"{sign} {shape[key]}" for key, sign in (("minimum", "≥"), ("maximum", "≤")) if key in shape
    ]
    return " ".join([{"null": "null"}.get(kind, kind), *ends])


MACROS: dict[str, Callable[[], str]] = {
    "targets": targets,
    "serving": serving,
    "records": records,
    "openapi": openapi,
}
