"""Tells file systems over a network, on which SQLite's write-ahead log does not work."""

from __future__ import annotations

import os
import re
from pathlib import Path

from lexsearch.errors import UsageError

MOUNTS = Path("/proc/self/mountinfo")
REMOTE = frozenset(
    {"nfs", "nfs4", "cifs", "smb3", "smbfs", "ncpfs", "afs", "ceph", "fuse.sshfs", "fuse.davfs",
     "fuse.rclone", "fuse.s3fs", "fuse.gvfsd-fuse",
     # folders of the host inside a virtual machine, whose memory maps are not shared with it
     "9p", "drvfs", "vboxsf", "prl_fs", "vmhgfs", "fuse.vmhgfs-fuse"}
)  # fmt: skip


def refuse_remote(directory: Path, *, mounts: str | None = None) -> None:
    """Refuse a folder on a network file system.

    Args:
        directory: absolute; it need not exist.
        mounts: the table of mounts as Linux prints it; None = that of this process. On systems
            without one nothing is refused here, and SQLite itself refuses what it notices.

    Raises:
        UsageError: the folder lies on one; the message names a way out.
    """
    if mounts is None:
        try:
            mounts = MOUNTS.read_text(encoding="utf-8", errors="surrogateescape")
        except OSError:
            return
    kind = _kind_of(os.path.realpath(directory), mounts)
    if kind in REMOTE:
        raise UsageError(
            f"{directory} lies on a network file system ({kind}), where an index can be damaged; "
            "keep it on a local disk, photos may be anywhere: --db ~/.local/share/lexsearch/NAME"
        )


def _kind_of(path: str, mounts: str) -> str | None:
    """Type of the file system that holds a path: that of the longest, last mount point."""
    best, kind = -1, None
    for line in mounts.splitlines():
        left, _, right = line.partition(" - ")
        fields = left.split(" ")
        if len(fields) < 5 or not right:
            continue
        point = re.sub(r"\\([0-7]{3})", lambda m: chr(int(m[1], 8)), fields[4])
        inside = path == point or path.startswith(point.rstrip("/") + "/")
        if inside and len(point) >= best:
            best, kind = len(point), right.split(" ")[0]
    return kind
