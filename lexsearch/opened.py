"""An open db: one snapshot with the model and the engine over it, shared by threads."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeVar

from lexsearch.bundle.snapshot import ATTEMPTS, Snapshot
from lexsearch.bundle.standing import Standing
from lexsearch.contents import Contents
from lexsearch.engine import Engine
from lexsearch.errors import IndexDamaged, IndexMissing, UsageError, WrongModel
from lexsearch.registry import build
from lexsearch.settings import Settings
from lexsearch.stores.pooling import factor_of, made_by, pooled_identity
from lexsearch.types import ROLES, Role

if TYPE_CHECKING:
    from lexsearch.protocols import Model

T = TypeVar("T")


class OpenDb(Contents):
    """The part of `LexSearch` that holds what the others use.

    Threads may share one object, and `reload` meanwhile: a search ends on the commit it began
    with. A forked child opens the files anew at its first use; a copy by pickle does so too.
    """

    def __init__(
        self,
        directory: Path,
        snapshot: Snapshot,
        settings: Settings,
        *,
        model: Model | None = None,
        read_only: bool = False,
    ) -> None:
        self.directory = directory
        self.settings = settings
        self.read_only = read_only
        self._given_model = model
        self._begin(snapshot)

    def _begin(self, snapshot: Snapshot) -> None:
        self._lock = threading.RLock()
        self._process = os.getpid()
        self._snapshot = snapshot
        self._engine: Engine | None = None
        self._model: Model | None = None
        self._standing = Standing()
        self._derived: dict[str, Any] = {}  # what is counted at the first use, of this snapshot

    def _here(self) -> None:
        """After a fork: begin anew, without touching what belongs to the parent."""
        if self._process != os.getpid():
            _of_parents.append((self._snapshot, self._engine))
            model = self._model
            self._begin(Snapshot.open(self.directory, read_only=self.read_only))
            self._model = model

    def __getstate__(self) -> dict[str, Any]:
        return {
            "directory": self.directory,
            "settings": self.settings,
            "read_only": self.read_only,
            "_given_model": self._given_model,
        }

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._begin(Snapshot.open(self.directory, read_only=self.read_only))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def __len__(self) -> int:
        return len(self.snapshot)

    def close(self) -> None:
        """Let go of the files; the object cannot search afterwards."""
        self.snapshot.close()

    @property
    def snapshot(self) -> Snapshot:
        """The commit that answers now."""
        self._here()
        return self._snapshot

    @property
    def model(self) -> Model:
        """The model that made this db; loaded at the first use.

        Raises:
            WrongModel: the installed model of that name is another one.
        """
        self._here()
        with self._lock:
            if self._model is None:
                self._model = self._fitting_model()
            return self._model

    def _fitting_model(self) -> Model:
        ours = self._snapshot.identity
        given = self._given_model
        model: Model = (
            build("encoders.models", ours.name, threads=self.settings.threads)
            if given is None
            else given
        )
        theirs = pooled_identity(model.identity, factor_of(ours))
        for role in ROLES:
            here, there = ours.fingerprints.get(role), theirs.fingerprints.get(role)
            if here != there:
                raise WrongModel(
                    f"{self.directory} was indexed with {role} encoder {here}, but the installed "
                    f"model {ours.name!r} has {there}; index again with: "
                    f"lexsearch index --force PATH --db {self.directory}"
                )
        return model

    @property
    def engine(self) -> Engine:
        """The query path over the present snapshot."""
        self._here()
        with self._lock:
            if self._engine is None:
                self._engine = Engine.of(
                    self._snapshot, self.model, self.settings, stores=self._stores()
                )
            return self._engine

    def warm_up(self, *, wait: bool = True) -> None:
        """Load the model and do what the first searches would wait for; see `Engine.warm_up`."""
        self.current(lambda engine: engine.warm_up(wait=wait))

    def _stores(self) -> dict[Role, str]:
        """Other stores than usual: machine code is kept in a cache on the disk."""
        from lexsearch.stores.lexical.auto import SMALL

        large = self.read_only and len(self._snapshot) > SMALL
        return {"lexical": "scipy_csc"} if large else {}

    def reload(self) -> bool:
        """Move to the newest commit; returns whether there was one.

        Searches that other threads have begun end on the commit before, whose files close when
        the last of them is done.
        """
        self._here()
        with self._lock:
            if not self._snapshot.is_stale():
                return False
            before = self._snapshot.identity
            self._snapshot = Snapshot.open(self.directory, read_only=self.read_only)
            self._engine = None
            self._derived = {}
            if self._snapshot.identity != before:
                self._model = None
                given = self._given_model
                if given is not None and not made_by(given.identity, self._snapshot.identity):
                    self._given_model = None  # another model's edition is in force
            return True

    def current(self, use: Callable[[Engine], T]) -> T:
        """The result of a use of the engine; when a merge took a file of it, of a newer one.

        Raises:
            IndexDamaged, IndexMissing: the newest commit has the same trouble.
        """
        for _ in range(ATTEMPTS - 1):
            engine = self.engine
            try:
                return use(engine)
            except (IndexDamaged, IndexMissing):
                if not self.reload() and self.engine is engine:
                    raise
        return use(self.engine)

    def _refuse_read_only(self) -> None:
        if self.read_only:
            raise UsageError(
                f"{self.directory} was opened with read_only=True; open it without, to change it"
            )


# Connections that a fork left in the child: SQLite asks never to close them there.
_of_parents: list[tuple[Snapshot, Engine | None]] = []
