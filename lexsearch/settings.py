"""Settings of one run: defaults, then files, then environment, then flags."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path

from platformdirs import user_cache_dir, user_config_dir, user_data_dir

from lexsearch.errors import UsageError

ENVIRONMENT_PREFIX = "LEXSEARCH_"
# Names in the environment that other parts own; they are not settings.
FOREIGN_VARIABLES = frozenset({"SHARED"})


@dataclass(frozen=True, slots=True)
class Settings:
    """What a run of lexsearch is told from outside.

    Attributes:
        data_dir: folder that holds the named dbs.
        cache_dir: folder of files that can be made again at any time.
        db: name or folder of the db to use.
        model: model set for a new db.
        threads: processor threads to use; 0 = as many as there are.
        late_kernel: what computes late interaction: auto, onnx, torch or numpy; the scores are
            the same.
        lists_from: photos from which on dense search visits inverted lists; 0 = never.
        fusion: what joins the channels: auto (what the db has learned, else the model's
            weights), model, learned, rrf, convex or dbsf.
        server: address of a running `lexsearch serve` that answers searches; empty = none.
        token: what `lexsearch serve` asks for, and what its clients send; never shown.
    """

    data_dir: Path
    cache_dir: Path
    db: str = "default"
    model: str = "mini"
    threads: int = 0
    late_kernel: str = "auto"
    lists_from: int = 100_000
    fusion: str = "auto"
    server: str = ""
    token: str = field(default="", repr=False)

    @classmethod
    def defaults(cls) -> Settings:
        """The settings of a machine that nobody has configured."""
        return cls(
            data_dir=Path(user_data_dir("lexsearch", appauthor=False)),
            cache_dir=Path(user_cache_dir("lexsearch", appauthor=False)),
        )

    @classmethod
    def load(cls, **flags: str | int | Path | None) -> Settings:
        """Settings of this process, each source overriding those before it.

        Order: defaults, the user's config.toml, ./lexsearch.toml, LEXSEARCH_* in the
        environment, flags. Flags that are None count as not given.

        Raises:
            UsageError: a source has an unknown key or a value of the wrong kind.
        """
        settings = cls.defaults()
        config_dir = Path(user_config_dir("lexsearch", appauthor=False))
        for path in (config_dir / "config.toml", Path("lexsearch.toml")):
            if path.is_file():
                settings = _merge(settings, _read_toml(path), str(path))
        settings = _merge(settings, _from_environment(os.environ), "the environment")
        given = {key: value for key, value in flags.items() if value is not None}
        return _merge(settings, given, "the command line")


def _read_toml(path: Path) -> dict[str, object]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UsageError(f"{path} is not valid TOML: {error}; mend or remove it") from error
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror or error}") from error


def _from_environment(environment: Mapping[str, str]) -> dict[str, object]:
    known = {f.name.upper(): f.name for f in fields(Settings)}
    found: dict[str, object] = {}
    for variable, value in environment.items():
        name = variable.removeprefix(ENVIRONMENT_PREFIX)
        if name != variable and name in known and value:
            found[known[name]] = value
    return found


def _merge(settings: Settings, values: Mapping[str, object], source: str) -> Settings:
    known = {f.name for f in fields(Settings)}
    changes: dict[str, object] = {}
    for key, value in values.items():
        if key not in known:
            raise UsageError(
                f"{source} sets {key!r}, which is no setting; known: {', '.join(sorted(known))}"
            )
        changes[key] = _as_type(key, value, source)
    return replace(settings, **changes)  # type: ignore[arg-type]


def _as_type(key: str, value: object, source: str) -> object:
    if key in ("data_dir", "cache_dir"):
        return _folder(key, str(value), source)
    if key in ("threads", "lists_from"):
        try:
            count = int(str(value))
        except ValueError:
            count = -1
        if count < 0:
            raise UsageError(f"{source} sets {key} to {value!r}; expected a number >= 0")
        return count
    return str(value)


def _folder(key: str, value: str, source: str) -> Path:
    try:
        found = Path(value).expanduser()
    except RuntimeError as error:  # ~somebody who is not known here
        raise UsageError(f"{source} sets {key} to {value!r}: {error}") from error
    if "\0" in value:
        raise UsageError(f"{source} sets {key} to {value!r}, which no folder can be called")
    return found
