"""Makes the index that a run is then cut off in: python prepare.py KIND PHOTOS INDEX.

merge: many small commits of a run that was killed before its last, which the next run makes, and
merges all. upgrade: an index of the first release, beside no picture of the folder. leftovers: an
index with folders of segments that no commit names, old enough to be removed.
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
INDEX = [sys.executable, "-m", "lexsearch.cli", "index", photos, "--db", str(index), "--json"]
if kind == "upgrade":
    releases = Path(__file__).parents[2] / "tests/lexsearch/bundle/releases"
    with tarfile.open(releases / "step1.tar.gz") as archive:
        archive.extractall(index, filter="data")
elif kind == "merge":
    run = subprocess.Popen([*INDEX, "--batch-size", "2"], stderr=subprocess.PIPE, text=True)
    assert run.stderr is not None
    assert f"committed {len(list(Path(photos).iterdir())) - 4}\n" in run.stderr
    run.kill()
    run.wait()
else:
    subprocess.run(INDEX, check=True)
    segments = index / "segments"
    first = min(segments.iterdir())
    old = time.time() - 3600
    names = {f"{first.name[:-2]}{i:02d}" for i in range(COPIES)}
    for name in sorted(names - {path.name for path in segments.iterdir()}):
        copy = shutil.copytree(first, segments / name)
        os.utime(copy, (old, old))
