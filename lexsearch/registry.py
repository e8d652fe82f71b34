"""Finds encoders, stores and models by folder and name, and imports them only when asked."""

from __future__ import annotations

import importlib
import pkgutil
from importlib.metadata import entry_points
from typing import Any

from lexsearch.errors import ModelMissing, UsageError

# Top-level programs that the library may start but never imports: name -> "module:attribute".
PROGRAMS = {
    "indexer": "indexer.pipeline:index_folders",
    "index_options": "indexer.pipeline:IndexOptions",
    "decoder": "indexer.decode:decode",
    "upload_decoder": "indexer.supervise:decode_upload",
}
# Extra that a plugin's dependency comes with, where it is not called like the plugin.
EXTRAS = {"impact_numba": "fast"}


def names(group: str) -> list[str]:
    """Names of the plugins of a group such as `stores.lexical`, sorted.

    A plugin is a file in `lexsearch/<group>` whose name has no leading underscore, or an
    entry point in the group `lexsearch.<group>`.
    """
    package = importlib.import_module(f"lexsearch.{group}")
    found = {m.name for m in pkgutil.iter_modules(package.__path__) if not m.name.startswith("_")}
    found.update(point.name for point in entry_points(group=f"lexsearch.{group}"))
    return sorted(found)


def build(group: str, name: str, /, **options: Any) -> Any:
    """The plugin `name` of `group`, built with its options.

    Raises:
        UsageError: nothing of that name; the message lists the names that exist.
        ModelMissing: the plugin's own dependency is not installed.
    """
    known = names(group)
    if name not in known:
        raise UsageError(f"no {group} is called {name!r}; known: {', '.join(known)}")
    for point in entry_points(group=f"lexsearch.{group}"):
        if point.name == name:
            return point.load()(**options)
    try:
        module = importlib.import_module(f"lexsearch.{group}.{name}")
    except ModuleNotFoundError as error:
        if error.name is None or error.name.startswith("lexsearch"):
            raise
        raise ModelMissing(
            f"{group}.{name} needs the package {error.name!r}, which is not installed; "
            f"install it with: pip install 'lexsearch[{EXTRAS.get(name, name)}]'"
        ) from error
    return module.build(**options)


def program(name: str) -> Any:
    """The callable behind a name of PROGRAMS, imported now."""
    module, _, attribute = PROGRAMS[name].partition(":")
    return getattr(importlib.import_module(module), attribute)
