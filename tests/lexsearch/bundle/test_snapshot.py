"""Reading one generation of an index."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from lexsearch.bundle.records import SkippedFile
from lexsearch.bundle.snapshot import Snapshot
from lexsearch.errors import IndexMissing, UsageError
from lexsearch.types import image_id_of

LATIN = b"/photos/caf\xe9.jpg"


def test_an_image_has_its_paths_in_byte_order_and_its_details(library: Any) -> None:
    details = {"a": {"taken": "2024-07-14T11:02:09", "camera": "X100", "gps": (41.0, 1.5),
                     "thumb_hash": 2**64 - 1}}  # fmt: skip
    with library.open() as writer:
        batch = library.batch({b"/z.jpg": "a", LATIN: "a", b"/b.png": "b"}, details=details)
        writer.commit(batch)
    image_id = image_id_of(library.digest("a"))
    with library.snapshot() as snapshot:
        (record,) = snapshot.images([image_id])
        assert record.paths == (LATIN, b"/z.jpg")
        assert (record.width, record.height, record.sha256) == (8, 6, library.digest("a"))
        assert (record.taken, record.camera, record.gps) == (
            "2024-07-14T11:02:09", "X100", (41.0, 1.5),
        )  # fmt: skip
        assert record.thumb_hash == 2**64 - 1
        assert (record.size, record.mtime_ns) == (100 + len(LATIN), 5_000)
        assert snapshot.find(LATIN) == image_id
        assert snapshot.find(b"/nowhere.jpg") is None
        assert [one.image_id for one in snapshot.duplicates()] == [image_id]
        assert len(snapshot) == 2
        both = snapshot.image_ids().tolist()
        assert [one.image_id for one in snapshot.images([*both[::-1], both[0]])] == [
            *both[::-1], both[0],
        ]  # fmt: skip


def test_more_images_than_one_statement_takes(library: Any) -> None:
    with library.open() as writer:
        writer.commit(library.batch({b"/%d.jpg" % i: str(i) for i in range(1000)}))
    with library.snapshot() as snapshot:
        ids = snapshot.image_ids().tolist()
        assert [record.image_id for record in snapshot.images(ids)] == ids


def test_an_unknown_image_is_an_error(library: Any) -> None:
    library.make({b"/a.jpg": "a"})
    with library.snapshot() as snapshot, pytest.raises(IndexMissing, match="open it again"):
        snapshot.images([1])


def test_a_role_that_the_model_does_not_fill_is_named(library: Any) -> None:
    batch = library.batch({b"/a.jpg": "a"})
    from lexsearch.bundle.records import CommitBatch
    from lexsearch.types import Encoded

    with library.open() as writer:
        vectors = Encoded(None, batch.vectors.dense, None)
        writer.commit(CommitBatch(batch.contents, vectors, batch.files))
    with library.snapshot() as snapshot:
        assert snapshot.segments[0].sections("dense")["values"].shape == (1, 3)
        with pytest.raises(UsageError, match="no tokens vectors"):
            snapshot.segments[0].sections("tokens")


def test_a_rename_costs_no_vectors_and_moves_the_path(library: Any) -> None:
    library.make({b"/a.jpg": "a", b"/b.jpg": "b"})
    before = library.answers()
    with library.open() as writer:
        writer.commit(library.batch({b"/c.jpg": "a"}, encode=False, removed=(b"/a.jpg",)))
    assert library.paths() == [b"/b.jpg", b"/c.jpg"]
    assert library.answers() == before
    with library.snapshot() as snapshot:
        assert len(snapshot.segments) == 1
        assert snapshot.find(b"/c.jpg") == image_id_of(library.digest("a"))


def test_an_image_leaves_with_its_last_path_and_its_vectors_wait(library: Any) -> None:
    library.make({b"/a.jpg": "a", b"/a2.jpg": "a", b"/b.jpg": "b"})
    with library.open() as writer:
        writer.commit(library.batch(removed=(b"/a.jpg",)))
        assert len(library.answers()) == 2
        writer.commit(library.batch(removed=(b"/a2.jpg", b"/never.jpg")))
        assert list(library.answers()) == [image_id_of(library.digest("b"))]
        assert library.digest("a") in writer.known_contents()
        writer.commit(library.batch({b"/back.jpg": "a"}, encode=False))
    assert library.paths() == [b"/b.jpg", b"/back.jpg"]


def test_an_edited_file_becomes_another_image(library: Any) -> None:
    library.make({b"/a.jpg": "a"})
    library.make({b"/a.jpg": "edited"})
    assert list(library.answers()) == [image_id_of(library.digest("edited"))]


def test_encoding_again_replaces_the_vectors(library: Any) -> None:
    library.make({b"/a.jpg": "a", b"/b.jpg": "b"}, {b"/a.jpg": "a"})
    with library.snapshot() as snapshot:
        live = [s.live is None or s.live.tolist() for s in snapshot.segments]
        assert sorted(map(str, live)) in (["True", "[False, True]"], ["True", "[True, False]"])
    assert len(library.answers()) == 2


def test_a_file_that_was_skipped_and_is_indexed_is_no_longer_skipped(library: Any) -> None:
    with library.open() as writer:
        writer.commit(library.batch(skipped=(SkippedFile(b"/a.jpg", "cut off", 1, 2, None),)))
        writer.commit(library.batch({b"/a.jpg": "a"}))
    with library.snapshot() as snapshot:
        assert snapshot.skipped() == []


def test_a_snapshot_stays_what_it_is_while_a_writer_commits(library: Any) -> None:
    library.make({b"/a.jpg": "a", b"/b.jpg": "b"})
    with library.snapshot() as snapshot, library.open() as writer:
        ids = snapshot.image_ids().tolist()
        assert not snapshot.is_stale()
        writer.commit(library.batch({b"/c.jpg": "c"}, removed=(b"/a.jpg", b"/b.jpg")))
        for i in range(12):
            writer.commit(library.batch({b"/%d.jpg" % i: str(i)}))
        assert writer.compact() > 8
        assert snapshot.is_stale()
        assert snapshot.image_ids().tolist() == ids
        assert {p for r in snapshot.images(ids) for p in r.paths} == {b"/a.jpg", b"/b.jpg"}
        assert snapshot.segments[0].sections("dense")["values"].shape == (2, 3)
        assert snapshot.find(b"/c.jpg") is None
        assert snapshot.find(b"/a.jpg") in ids
        assert set(snapshot.allowed().tolist()) <= set(ids)
    assert len(library.paths()) == 13


@pytest.mark.parametrize(
    ("conditions", "expected"),
    [
        ({}, ["a", "b", "c"]),
        ({"after": "2024"}, ["a"]),
        ({"after": "2024-07-14"}, ["a"]),
        ({"before": "2024"}, ["b"]),
        ({"after": "2023-02", "before": "2024-08"}, ["a", "b"]),
        ({"camera": "fuji"}, ["a"]),
        ({"type_": "jpeg"}, ["a", "b"]),
        ({"type_": ".JPG"}, ["a", "b"]),
        ({"type_": "png"}, ["c"]),
        ({"path_glob": "sea"}, ["a", "c"]),
        ({"path_glob": "/photos/*.p?g"}, ["c"]),
        ({"path_glob": "*.jpg"}, ["a"]),
        ({"path_glob": "caf\udce9"}, ["b"]),
        ({"path_glob": "sea", "type_": "png"}, ["c"]),
        ({"camera": "100%"}, []),
        ({"near": "41.1,1.2,1km"}, ["a"]),
        ({"near": "41.1,1.2"}, ["a"]),
        ({"near": "41.1,1.2,3000km"}, ["a", "b"]),
        ({"near": "-41.1,1.2,3000km"}, []),
        ({"box": "41,1,42,2"}, ["a"]),
        ({"box": "41,170,60,2"}, ["a", "b"]),
        ({"near": "41.1,1.2,3000km", "box": "-90,-180,90,0"}, ["b"]),
    ],
)
def test_conditions(library: Any, conditions: dict[str, str], expected: list[str]) -> None:
    details = {
        "a": {"taken": "2024-07-14T11:02:09", "camera": "FUJIFILM X100", "gps": (41.1, 1.2)},
        "b": {"taken": "2023-05-01T00:00:00", "camera": "Canon", "gps": (51.5, -0.12)},
        "c": {},
    }
    files = {b"/photos/sea/1.jpg": "a", b"/photos/caf\xe9.JPEG": "b", b"/photos/sea/2.png": "c"}
    with library.open() as writer:
        writer.commit(library.batch(files, details=details))
    with library.snapshot() as snapshot:
        found = snapshot.allowed(**conditions).tolist()
    assert found == sorted(image_id_of(library.digest(name)) for name in expected)


def test_a_glob_of_no_reasonable_length_is_refused(library: Any) -> None:
    library.open().close()
    with library.snapshot() as snapshot, pytest.raises(UsageError, match="at most 256"):
        snapshot.allowed(path_glob="*" * 257)


def test_pictures_that_look_alike_are_grouped(library: Any) -> None:
    details = {"a": {"thumb_hash": 0}, "b": {"thumb_hash": 0b111}, "c": {"thumb_hash": 2**64 - 1}}
    with library.open() as writer:
        writer.commit(library.batch({b"/a": "a", b"/b": "b", b"/c": "c"}, details=details))
    with library.snapshot() as snapshot:
        groups = [[r.paths[0] for r in group] for group in snapshot.near_duplicates(3)]
        assert groups == [[b"/a", b"/b"]]
        assert snapshot.near_duplicates(2) == []


def test_counts(library: Any) -> None:
    library.make({b"/a.jpg": "a", b"/a2.jpg": "a"}, {b"/b.jpg": "b"})
    with library.snapshot() as snapshot:
        counts = snapshot.counts()
    sizes = counts.pop("bytes")
    assert counts == {"images": 2, "files": 3, "added": 0, "skipped": 0, "segments": 2}
    assert sorted(sizes) == ["catalog", "dense", "lexical", "tokens"]
    assert all(sizes.values())


def test_no_index_is_an_error_with_the_command_that_makes_one(tmp_path: Path) -> None:
    with pytest.raises(IndexMissing, match="lexsearch index PATH --db"):
        Snapshot.open(tmp_path / "nothing")


def test_reading_loads_no_database_toolkit() -> None:
    code = (
        "import sys, lexsearch.bundle.snapshot\n"
        "print([m for m in ('sqlalchemy', 'alembic', 'scipy', 'filelock') if m in sys.modules])"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True,
        cwd=Path(__file__).parents[3],
    )  # fmt: skip
    assert run.stdout == "[]\n"


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="changes the user")
def test_an_index_in_a_read_only_folder_opens(library: Any) -> None:
    library.make({b"/a.jpg": "a"})
    for path in (library.directory, *library.directory.rglob("*")):
        path.chmod(0o555 if path.is_dir() else 0o444)
    code = (
        "import os; from pathlib import Path; from lexsearch.bundle.snapshot import Snapshot\n"
        "os.setgroups([]); os.setgid(65534); os.setuid(65534)\n"
        f"snapshot = Snapshot.open(Path({str(library.directory)!r}))\n"
        "assert not os.access(snapshot.directory, os.W_OK) and not snapshot.is_stale()\n"
        "print(len(snapshot), snapshot.images(snapshot.image_ids())[0].paths)"
    )
    for parent in library.directory.parents:
        if os.stat(parent).st_mode & 0o005 != 0o005 and parent.is_relative_to("/tmp"):
            parent.chmod(0o755)
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False,
        cwd=Path(__file__).parents[3],
    )  # fmt: skip
    for path in (library.directory, *library.directory.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)
    assert run.stdout == "1 (b'/a.jpg',)\n", run.stderr
