"""Makes the index that a run is then cut off in: python prepare.py KIND PHOTOS INDEX.

merge: many small commits of a run that was killed before its last, which the next run makes, and
merges all. upgrade: an index of the first release beside
no picture of the folder. leftovers: an index with folders of segments that no commit names, old
enough to be removed.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
import time
from pathlib import Path

COPIES = 20
kind, photos, index = sys.argv[1], sys.argv[2], Path(sys.argv[3])
CLI = [sys.executable, "-m", "lexsearch.cli"]
if kind == "upgrade":
    releases = Path(__file__).parents[2] / "tests/lexsearch/bundle/releases"
    with tarfile.open(releases / "step1.tar.gz") as archive:
        archive.extractall(index, filter="data")
else:
    size = ["--batch-size", "2"] if kind == "merge" else []
    words = [*CLI, "index", photos, "--db", str(index), "--json", *size]
    run = subprocess.Popen(words, stderr=subprocess.PIPE, text=True)
    assert run.stderr is not None
    last = f"committed {len(list(Path(photos).iterdir())) - 4}\n" if kind == "merge" else ""
    if last in run.stderr:
        run.kill()
    run.wait()
if kind == "leftovers":
    segments = index / "segments"
    first = min(segments.iterdir())
    old = time.time() - 3600
    names = {f"{first.name[:-2]}{i:02d}" for i in range(COPIES)}
    for name in sorted(names - {path.name for path in segments.iterdir()}):
        copy = shutil.copytree(first, segments / name)
        os.utime(copy, (old, old))
