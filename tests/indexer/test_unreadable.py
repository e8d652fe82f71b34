"""Files that may not be read, cannot be opened or change under the run: a line each, no more."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from indexer.pipeline import IndexOptions, index_folders

pytestmark = pytest.mark.skipif(os.name != "posix", reason="rights and long paths of POSIX")
Paint = Callable[..., Path]
ROOT = Path(__file__).parents[2]
NOBODY = 65534
AS_NOBODY = """
import os, sys
from pathlib import Path
sys.path.insert(0, {tests!r})
from conftest import ToyModel
from PIL import Image
Image.init()
from indexer.decoders import ThreadDecoder
from indexer.pipeline import IndexOptions, index_folders
from indexer.supervise import ProcessDecoder
os.setegid({nobody}), os.seteuid({nobody})
photos, db = sys.argv[1:]
report = index_folders([photos], directory=Path(db), model=ToyModel(),
                       options=IndexOptions(isolate=False))
for one in report.skipped:
    print(os.path.basename(one.path).decode(), one.reason, sep="|")
print("indexed", report.encoded, sep="|")
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="root becomes nobody; others have tests of their own")
def test_what_may_not_be_read_is_named_and_the_rest_is_indexed(
    tmp_path: Path, paint: Paint
) -> None:
    photos, db = tmp_path / "photos", tmp_path / "db"
    for i, name in enumerate(("a.png", "secret.png", "closed/b.png", "hidden/c.png")):
        paint(photos / name, i)
    (photos / "secret.png").chmod(0)
    (photos / "closed").chmod(0)
    (photos / "hidden").chmod(0o444)  # its names can be read, what they name cannot
    db.mkdir()
    db.chmod(0o777)
    for parent in tmp_path.parents:
        if parent.stat().st_uid == 0 and parent != Path("/") and parent != Path("/tmp"):
            parent.chmod(parent.stat().st_mode | 0o055)
    tmp_path.chmod(0o755)
    code = AS_NOBODY.format(tests=str(ROOT / "tests"), nobody=NOBODY)
    run = subprocess.run(
        [sys.executable, "-c", code, photos, db],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=False,
    )
    assert run.returncode == 0, run.stderr
    assert dict(line.split("|") for line in run.stdout.splitlines()) == {
        "secret.png": "cannot be read: Permission denied",
        "closed": "cannot be read: Permission denied",
        "c.png": "cannot be read: Permission denied",
        "indexed": "1",
    }


def test_a_path_longer_than_the_system_opens_is_named(
    tmp_path: Path, toy_model: object, paint: Paint
) -> None:
    data = paint(tmp_path / "photos" / "a.png", 1).read_bytes()
    place = os.open(tmp_path / "photos", os.O_RDONLY)
    opened = [place]
    for _ in range(22):  # 22 * 201 bytes > 4,096
        os.mkdir("d" * 200, dir_fd=place)
        place = os.open("d" * 200, os.O_RDONLY, dir_fd=place)
        opened.append(place)
    found = os.open("b.png", os.O_WRONLY | os.O_CREAT, dir_fd=place)
    os.write(found, data)
    for number in (found, *opened):
        os.close(number)
    report = index_folders(
        [tmp_path / "photos"],
        directory=tmp_path / "db",
        model=toy_model,  # type: ignore[arg-type]
        options=IndexOptions(isolate=False),
    )
    assert report.encoded == 1
    assert [one.reason for one in report.skipped] == ["cannot be read: File name too long"]
    subprocess.run(["rm", "-rf", tmp_path / "photos"], check=True)


def test_a_file_that_vanishes_or_changes_under_the_run_is_one_line(
    tmp_path: Path, toy_model: object, paint: Paint
) -> None:
    photos = tmp_path / "photos"
    for i in range(4):
        paint(photos / f"{i}.png", i)

    def disturb(progress: object) -> None:  # after the walk, before the first picture
        (photos / "1.png").unlink(missing_ok=True)
        with (photos / "2.png").open("ab") as stream:
            stream.write(b"more")

    options = IndexOptions(isolate=False)
    common = {"directory": tmp_path / "db", "model": toy_model, "options": options}
    report = index_folders([photos], on_progress=disturb, **common)  # type: ignore[arg-type]
    assert report.encoded == 3
    assert [one.reason for one in report.skipped] == ["cannot be read: No such file or directory"]
    again = index_folders([photos], **common)  # type: ignore[arg-type]
    assert (again.found, again.skipped, again.removed) == (3, (), 0)
