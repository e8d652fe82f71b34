"""Walks folders and lists the picture files below them."""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from indexer.excludes import matcher, patterns
from indexer.found import FoundFile, FoundFiles
from lexsearch.errors import UsageError
from lexsearch.pictures import absolute

PICTURES = frozenset(
    {".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".gif", ".bmp", ".dib", ".tif", ".tiff"}
)
HEIC = frozenset({".heic", ".heif", ".hif"})
RAW = frozenset(
    {".dng", ".cr2", ".cr3", ".nef", ".nrw", ".arw", ".orf", ".rw2", ".raf", ".pef", ".srw"}
)
SUFFIXES = frozenset(suffix.encode() for suffix in PICTURES | HEIC | RAW)


class Problem(NamedTuple):
    """Something the walk could not read, or will not open."""

    path: bytes
    reason: str


@dataclass(frozen=True, slots=True)
class ScanOptions:
    """What the walk leaves out.

    Attributes:
        exclude, default_excludes, include_hidden, follow_symlinks: see `IndexOptions`.
        index_folder: absolute path of the index, which is never walked.
        hold: files that count as unread.
    """

    exclude: tuple[str, ...] = ()
    default_excludes: bool = True
    include_hidden: bool = False
    follow_symlinks: bool = False
    index_folder: bytes | None = None
    hold: frozenset[bytes] = frozenset()

    @property
    def patterns(self) -> tuple[str, ...]:
        """The globs in force."""
        return patterns(
            exclude=self.exclude, defaults=self.default_excludes, hidden=self.include_hidden
        )


@dataclass(frozen=True, slots=True)
class ScanResult:
    """What lies below the roots.

    Attributes:
        roots: the roots walked, absolute and normalised, sorted, none below another.
        missing: those of the roots that are not there.
        files: sorted by path as bytes.
        problems: unreadable folders and files that are no regular files, sorted.
        unread: paths below which files may exist that were not seen.
    """

    roots: tuple[bytes, ...]
    missing: tuple[bytes, ...]
    files: FoundFiles
    problems: list[Problem]
    unread: tuple[bytes, ...]


def is_below(path: bytes, folder: bytes) -> bool:
    """True for the folder itself and whatever lies in it."""
    return path == folder or path.startswith(folder.rstrip(b"/") + b"/")


def topmost(paths: Sequence[str | bytes | os.PathLike[str]]) -> tuple[bytes, ...]:
    """The paths as an index stores them, sorted, without those that lie below another."""
    kept: list[bytes] = []
    for path in sorted({absolute(path) for path in paths}, key=lambda p: p.split(b"/")):
        if not kept or not is_below(path, kept[-1]):
            kept.append(path)
    return tuple(kept)


def require_roots(paths: Sequence[str | bytes | os.PathLike[str]], *, known: bool) -> None:
    """Refuse a run that cannot do anything.

    Args:
        paths: what the run was given.
        known: there is an index, which may know something below a path that is gone.

    Raises:
        UsageError: nothing was given, or a path does not exist.
    """
    if not paths:
        raise UsageError("no folder was given; say which: lexsearch index PATH")
    for root in topmost(paths):
        if not known and not os.path.lexists(root):
            raise no_such(root)


def no_such(root: bytes) -> UsageError:
    """The error for a root that is not there."""
    return UsageError(f"no such folder or file: {root.decode('utf-8', 'backslashreplace')}")


def scan(
    paths: Sequence[str | bytes | os.PathLike[str]], options: ScanOptions | None = None
) -> ScanResult:
    """The picture files at and below the paths; folders are walked, files are taken as they are.

    A root that is itself a link to a folder is followed: it was asked for by name.
    """
    roots = topmost(paths)
    walk = _Walk(options or ScanOptions(), roots)
    missing = []
    for root in roots:
        if not os.path.lexists(root):
            missing.append(root)
        elif os.path.isdir(root):  # noqa: PTH112
            walk.folder(root, root)
        else:
            walk.single(root)
    walk.unread += options.hold if options else ()
    walk.files.sort()
    walk.problems.sort()
    return ScanResult(roots, tuple(missing), walk.files, walk.problems, tuple(walk.unread))


@dataclass(slots=True)
class _Walk:
    """The state of one walk."""

    options: ScanOptions
    roots: tuple[bytes, ...]
    files: FoundFiles = field(default_factory=FoundFiles)
    problems: list[Problem] = field(default_factory=list)
    unread: list[bytes] = field(default_factory=list)
    visited: set[tuple[int, int]] = field(default_factory=set)

    def folder(self, top: bytes, root: bytes) -> None:
        """List everything below one folder; real folders come before linked ones."""
        excluded = matcher(self.options.patterns)
        cut = len(root.rstrip(b"/")) + 1
        folders, links = [top], list[bytes]()
        while folders or links:
            folder = folders.pop() if folders else links.pop()
            entries = self._entries(folder)
            while entries:
                entry = entries.pop()  # which lets go of what the system said of it
                if excluded(entry.name, entry.path[cut:]) or self._is_index(entry.path):
                    continue
                if entry.is_symlink():
                    links.extend(self._linked(entry, root))
                elif entry.is_dir(follow_symlinks=False):
                    folders.append(entry.path)
                elif _suffix(entry.name) in SUFFIXES:
                    self._take(entry, root, follow=False)

    def single(self, path: bytes) -> None:
        """Take a file that was asked for by name, whatever its suffix."""
        try:
            found = os.stat(path, follow_symlinks=self.options.follow_symlinks)  # noqa: PTH116
        except OSError as error:
            self._unreadable(path, error)
            return
        self._add(path, found, path)

    def _entries(self, folder: bytes) -> list[os.DirEntry[bytes]]:
        try:
            identity = os.stat(folder)  # noqa: PTH116
            if (identity.st_dev, identity.st_ino) in self.visited:
                return []
            self.visited.add((identity.st_dev, identity.st_ino))
            with os.scandir(folder) as entries:
                return sorted(entries, key=lambda entry: entry.name)
        except OSError as error:
            self._unreadable(folder, error)
            return []

    def _linked(self, entry: os.DirEntry[bytes], root: bytes) -> list[bytes]:
        """The folder behind a link; a picture behind a link is taken at once."""
        if not self.options.follow_symlinks:
            return []
        try:
            target = os.path.realpath(entry.path, strict=True)
            is_folder = entry.is_dir()
        except OSError:  # a dangling link, or a loop
            return []
        if not any(is_below(target, os.path.realpath(top)) for top in self.roots):
            return []
        if is_folder:
            return [entry.path]
        if _suffix(entry.name) in SUFFIXES:
            self._take(entry, root, follow=True)
        return []

    def _take(self, entry: os.DirEntry[bytes], root: bytes, *, follow: bool) -> None:
        try:
            found = entry.stat(follow_symlinks=follow)
        except FileNotFoundError:
            return
        except OSError as error:
            self._unreadable(entry.path, error)
            return
        self._add(entry.path, found, root)

    def _add(self, path: bytes, found: os.stat_result, root: bytes) -> None:
        if path in self.options.hold:
            return
        if stat.S_ISREG(found.st_mode):
            self.files.append(FoundFile(path, found.st_size, found.st_mtime_ns, found.st_ino, root))
        else:
            self.problems.append(Problem(path, f"is {_kind(found.st_mode)}, not a file"))

    def _unreadable(self, path: bytes, error: OSError) -> None:
        self.problems.append(Problem(path, f"cannot be read: {error.strerror or error}"))
        self.unread.append(path)

    def _is_index(self, path: bytes) -> bool:
        return path == self.options.index_folder


def _suffix(name: bytes) -> bytes:
    return os.path.splitext(name)[1].lower()  # noqa: PTH122


def _kind(mode: int) -> str:
    kinds = {
        stat.S_IFIFO: "a pipe",
        stat.S_IFSOCK: "a socket",
        stat.S_IFBLK: "a device",
        stat.S_IFCHR: "a device",
        stat.S_IFLNK: "a symbolic link",
    }
    return kinds.get(stat.S_IFMT(mode), "something else")
