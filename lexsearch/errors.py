"""Every deliberate error of lexsearch, and the exit code that the command line gives each.

LexsearchError                    1
  NoResult                        1  nothing matched, or --strict and files were skipped
  UsageError                      2  bad argument, bad configuration, no such folder
  IndexLocked                     3  another writer holds the index
  IndexMissing                    4  no index there
  IndexDamaged                    4  a file of the index is not what was written
  WrongModel                      4  the index was made by other encoders
  StorageError                    5  disk full or I/O error
  ModelMissing                    6  a model or an extra is not installed
  IndexTooOld                     4  the index must be upgraded before it can change
  IndexTooNew                     7  the index was written by a newer lexsearch
  ServerMissing                   5  no server answers at that address, or it has no room
  ServerRefused                   2  the server asks for another token or name
  ServerTooNew                    7  the server speaks another version
"""

from __future__ import annotations


class LexsearchError(Exception):
    """Root of the tree; its message names the thing, what was found, what to do."""

    exit_code = 1


class NoResult(LexsearchError):
    """Nothing matched, or a strict run skipped files."""


class UsageError(LexsearchError, ValueError):
    """An argument, a query or a setting is not usable as given."""

    exit_code = 2


class IndexLocked(LexsearchError):
    """Another process is writing to the index."""

    exit_code = 3


class IndexMissing(LexsearchError):
    """There is no index at the place named."""

    exit_code = 4


class IndexDamaged(LexsearchError):
    """A file of the index is missing or is not what was written."""

    exit_code = 4


class WrongModel(LexsearchError):
    """The index was made by other encoders than the ones in use."""

    exit_code = 4


class IndexTooOld(LexsearchError):
    """The index was written by an older lexsearch and must be upgraded before it can change."""

    exit_code = 4


class StorageError(LexsearchError, OSError):
    """The disk is full or an I/O operation failed."""

    exit_code = 5


class ModelMissing(LexsearchError):
    """A model, its files or an optional dependency is not installed."""

    exit_code = 6


class IndexTooNew(LexsearchError):
    """The index was written by a newer version of lexsearch."""

    exit_code = 7


class ServerMissing(LexsearchError):
    """No lexsearch server answers at the address, or it has no room now."""

    exit_code = 5


class ServerRefused(LexsearchError):
    """The server asks for another token, or goes by another name."""

    exit_code = 2


class ServerTooNew(LexsearchError):
    """The server speaks another version of what this client knows."""

    exit_code = 7
