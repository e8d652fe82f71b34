"""Finds encoders, stores and models by folder and name, and imports them only when asked."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from lexsearch.errors import ModelMissing, UsageError
from lexsearch.models import published
from lexsearch.programs import PROGRAMS, program

__all__ = ["PROGRAMS", "build", "names", "program"]

# Extra that a plugin's dependency comes with, where it is not called like the plugin.
EXTRAS = {"impact_numba": "fast"}
MODELS = "models"  # extra of every encoder but the bundled one
SETS = "encoders.models"


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

    In the group of model sets a name may be that of a published model (`clip-b32`), or
    `FAMILY:SOURCE` with a folder, file or hub id, and options after it: `tulip:DIR?theta=10000`.

    Raises:
        UsageError: nothing of that name; the message lists the names that exist.
        ModelMissing: the plugin's own dependency is not installed.
    """
    if group == SETS:
        name, given = model_set(name)
        options = {**given, **options}
    known = names(group)
    if name not in known:
        others = f"; published: {', '.join(published.SETS)}" if group == SETS else ""
        raise UsageError(f"no {group} is called {name!r}; known: {', '.join(known)}{others}")
    for point in entry_points(group=f"lexsearch.{group}"):
        if point.name == name:
            return _called(point.load(), options)
    if group == SETS and name not in published.BUNDLED and "source" not in options:
        raise UsageError(f"the family {name!r} needs a checkpoint: --model {name}:FOLDER")
    try:
        module = importlib.import_module(f"lexsearch.{group}.{name}")
    except ModuleNotFoundError as error:
        if error.name is None or error.name.startswith("lexsearch"):
            raise
        raise ModelMissing(
            f"{group}.{name} needs the package {error.name!r}, which is not installed; "
            f"install it with: pip install 'lexsearch[{_extra(group, name)}]'"
        ) from error
    try:
        return module.build(**options)
    except TypeError as error:
        if "unexpected keyword argument" in str(error):
            raise UsageError(f"{name}: {str(error).partition('() ')[2]}") from error
        raise


def _called(factory: Any, options: dict[str, Any]) -> Any:
    """What another package builds; it need not know how many threads it may use."""
    if "threads" in options and "threads" not in inspect.signature(factory).parameters:
        options = {key: value for key, value in options.items() if key != "threads"}
    return factory(**options)


def _extra(group: str, name: str) -> str:
    if group.startswith("encoders.") and name not in published.BUNDLED:
        return MODELS
    return EXTRAS.get(name, name)


def model_set(name: str) -> tuple[str, dict[str, Any]]:
    """The family behind the name of a model set, and its options."""
    if name in published.SETS:
        one = published.SETS[name]
        return one.family, {"source": one.source, **one.options, "name": name}
    family, colon, rest = name.partition(":")
    if not colon:
        return name, {}
    source, mark, query = rest.partition("?")
    if Path(source).expanduser().exists():  # the db must find it from anywhere
        source = str(Path(source).expanduser().absolute())
    given: dict[str, Any] = {"source": source, "name": f"{family}:{source}{mark}{query}"}
    for pair in filter(None, query.split("&")):
        key, equals, value = pair.partition("=")
        if not (key.isidentifier() and equals and value) or key in ("source", "name"):
            raise UsageError(f"{name!r}: {pair!r} is no option; expected KEY=VALUE")
        given[key] = value
    return family, given
