"""Names and numbers that tell a catalog and its version, for readers and writers."""

from __future__ import annotations

CATALOG_FILE = "catalog.sqlite"
_LOGS = ("", "-wal", "-shm", "-journal")  # what SQLite may leave beside a file
CATALOG_FILES = tuple(CATALOG_FILE + log for log in _LOGS)
# A new catalog has this name until it is complete.
CATALOG_TMP = CATALOG_FILE + ".tmp"
CATALOG_TMP_FILES = tuple(CATALOG_TMP + log for log in _LOGS)
# Marks a SQLite file as a catalog of lexsearch: "LXSR".
APPLICATION_ID = 0x4C585352
# Step of the tables, the number of the last script in `migrations/`; stands in user_version.
STEP = 2
OLDEST_READABLE_STEP = 1
# Key of `config` under which a learned fusion is kept; versions that know none ignore it.
FUSION = "fusion"
# Another process may hold the file for a moment.
BUSY_TIMEOUT_S = 5.0
