"""Another model's edition beside the index: one file switches, and no crash loses either."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from lexsearch.bundle import editions
from lexsearch.bundle.check import check
from lexsearch.bundle.creation import open_for_writing
from lexsearch.bundle.disk import Disk
from lexsearch.bundle.format import read_format
from lexsearch.bundle.places import export, import_, move, remove
from lexsearch.bundle.repair import repair
from lexsearch.bundle.snapshot import Snapshot
from lexsearch.bundle.standing import Standing
from lexsearch.bundle.upgrade import upgrade
from lexsearch.errors import IndexDamaged, IndexLocked, IndexMissing, WrongModel

OLD = {b"/photos/a.jpg": "a", b"/photos/b.jpg": "b"}


def other(library: Any) -> Any:
    return replace(library.model.identity, name="other", vocab_hash="1" * 64)


def make_beside(library: Any, *, disk: Disk | None = None, switched: bool = True) -> None:
    number = editions.next_number(library.directory, other(library))
    with library.open(identity=other(library), edition=number, disk=disk) as writer:
        known = {file.path for file in writer.known_files()}
        for path, name in OLD.items():
            if path not in known:
                writer.commit(library.batch({path: name}))
        if switched:
            writer.put_in_force()


def name(library: Any) -> str:
    with library.snapshot() as snapshot:
        assert sorted(library.paths()) == sorted(OLD)
        return snapshot.identity.name


def test_searches_read_the_old_edition_until_the_switch(library: Any) -> None:
    library.make(OLD)
    before = library.snapshot()
    make_beside(library, switched=False)
    assert name(library) == "toy"
    assert not before.is_stale()
    make_beside(library)
    assert name(library) == "other"
    assert before.is_stale()
    assert before.images(before.image_ids().tolist())[0].paths  # it goes on from what it has
    for segment in before.segments:
        segment.sections("dense")
    before.close()
    assert editions.number_in_force(library.directory) == 1
    assert library.is_sound()


def test_an_older_lexsearch_refuses_an_index_whose_edition_it_would_not_see(library: Any) -> None:
    library.make(OLD)
    fields = json.loads((library.directory / "FORMAT.json").read_text())
    assert "edition" not in fields
    assert fields["read_flags"] == []
    make_beside(library)
    fields = json.loads((library.directory / "FORMAT.json").read_text())
    assert fields["read_flags"] == ["editions"]
    assert fields["edition"] == 1


def test_a_crash_at_any_call_leaves_one_whole_edition_and_a_way_on(
    tmp_path: Path,
    library: Any,
    faulty_disk: Callable[[int, BaseException], Any],
    crash: BaseException,
) -> None:
    library.make(OLD)
    kept = tmp_path / "kept"
    shutil.copytree(library.directory, kept)
    switched = 0
    for step in range(1, 200):
        shutil.rmtree(library.directory)
        shutil.copytree(kept, library.directory)
        disk = faulty_disk(step, crash)
        try:
            make_beside(library, disk=disk)
        except BaseException as error:
            assert error is crash
        assert name(library) in ("toy", "other")
        switched += name(library) == "other"
        assert library.is_sound()
        if name(library) == "toy":
            make_beside(library)
        assert name(library) == "other"
        assert editions.numbers(library.directory) == [1]
        if not disk.has_failed:
            break
    else:
        raise AssertionError("the run never ended without a fault")
    assert step > 20
    assert switched >= 2  # after the rename of FORMAT.json, and without a fault


def test_a_power_cut_at_any_call_leaves_one_whole_edition(
    tmp_path: Path,
    library: Any,
    forgetful_disk: Callable[[int, BaseException], Any],
    crash: BaseException,
) -> None:
    library.make(OLD)
    make_beside(library, switched=False)
    kept = tmp_path / "kept"
    shutil.copytree(library.directory, kept)
    for step in range(1, 50):
        shutil.rmtree(library.directory)
        shutil.copytree(kept, library.directory)
        disk = forgetful_disk(step, crash)
        try:
            make_beside(library, disk=disk)
        except BaseException as error:
            assert error is crash
            disk.lose()
        assert name(library) in ("toy", "other")
        assert library.is_sound()
        if not disk.has_failed:
            break
    make_beside(library)
    assert name(library) == "other"


def test_removing_the_replaced_one_goes_on_after_a_crash_anywhere(
    tmp_path: Path,
    library: Any,
    faulty_disk: Callable[[int, BaseException], Any],
    crash: BaseException,
) -> None:
    library.make(OLD)
    make_beside(library)
    kept = tmp_path / "kept"
    shutil.copytree(library.directory, kept)
    for step in range(1, 50):
        shutil.rmtree(library.directory)
        shutil.copytree(kept, library.directory)
        assert editions.replaced(library.directory) == [0]
        disk = faulty_disk(step, crash)
        try:
            editions.remove(library.directory, 0, disk=disk)
        except BaseException as error:
            assert error is crash
        assert library.is_sound()
        assert name(library) == "other"
        for number in editions.replaced(library.directory):
            editions.remove(library.directory, number, disk=Disk())
        assert editions.replaced(library.directory) == []
        left = {path.name for path in library.directory.iterdir()}
        assert left <= {"FORMAT.json", "editions", "write.lock"}
        if not disk.has_failed:
            break
    assert step > 3
    library.open(identity=other(library)).close()
    assert name(library) == "other"


def test_the_edition_in_force_is_never_removed(library: Any) -> None:
    library.make(OLD)
    make_beside(library)
    with pytest.raises(ValueError, match="in force"):
        editions.remove(library.directory, 1, disk=Disk())


def test_another_writer_waits_whichever_edition_it_writes(library: Any) -> None:
    library.make(OLD)
    with library.open(identity=other(library), edition=1), pytest.raises(IndexLocked):
        library.open()


def test_the_refusal_of_another_model_names_the_index_and_the_way_beside(library: Any) -> None:
    library.make(OLD)
    make_beside(library)
    with pytest.raises(WrongModel, match="--model toy") as caught:
        library.open()
    assert f"--db {library.directory}," in str(caught.value)
    assert name(library) == "other"


def test_an_edition_needs_an_index_to_lie_beside(library: Any) -> None:
    with pytest.raises(IndexMissing):
        library.open(edition=1)
    assert not library.directory.exists()


def test_a_third_model_takes_a_number_of_its_own(library: Any) -> None:
    library.make(OLD)
    make_beside(library, switched=False)
    third = replace(library.model.identity, name="third", vocab_hash="2" * 64)
    assert editions.next_number(library.directory, third) == 2
    assert editions.next_number(library.directory, other(library)) == 1
    with library.open(identity=third, edition=2) as writer:
        writer.commit(library.batch(OLD))
        writer.put_in_force()
    assert editions.replaced(library.directory) == [0, 1]
    assert [one["model"] for one in editions.summary(library.directory)] == ["toy", "other"]
    assert editions.next_number(library.directory, other(library)) == 3


def test_a_check_covers_every_edition(damaged_library: Any) -> None:
    library = damaged_library
    library.make(OLD)
    make_beside(library)
    assert check(library.directory, read_data=True).images == len(OLD)
    for where in ("segments", "editions/0001/segments"):
        (file, *_) = sorted((library.directory / where).glob("*/dense.lxd"))
        content = file.read_bytes()
        file.write_bytes(content[:-1])
        (problem,) = check(library.directory).problems
        assert problem.place == file
        file.write_bytes(content)


def test_repair_mends_the_edition_in_force_and_the_others(damaged_library: Any) -> None:
    library = damaged_library
    library.make(OLD)
    make_beside(library)
    for where in ("segments", "editions/0001/segments"):
        (file, *_) = sorted((library.directory / where).glob("*/dense.lxd"))
        file.write_bytes(b"")
    report = repair(library.directory)
    assert report.images == 1  # the edition in force has a segment for each picture
    assert report.forgotten == 1 + 2
    assert library.is_sound()


@pytest.mark.parametrize("damage", ["lost", "torn"])
@pytest.mark.parametrize("cleaned", [False, True])
def test_repair_finds_the_edition_in_force_without_format_json(
    damaged_library: Any, damage: str, cleaned: bool
) -> None:
    library = damaged_library
    library.make(OLD)
    make_beside(library)
    if cleaned:
        editions.remove(library.directory, 0, disk=Disk())
    path = library.directory / "FORMAT.json"
    if damage == "lost":
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[:-3])
        assert check(library.directory).problems
    plan = repair(library.directory, dry_run=True)
    assert plan.actions == ("write FORMAT.json anew, with edition 1 in force",)
    repair(library.directory)
    assert name(library) == "other"
    assert library.is_sound()


def test_an_unfinished_edition_is_not_put_in_force_by_a_repair(damaged_library: Any) -> None:
    library = damaged_library
    library.make(OLD)
    make_beside(library, switched=False)
    (library.directory / "FORMAT.json").unlink()
    repair(library.directory)
    assert name(library) == "toy"
    assert read_format(library.directory).edition == 0


def test_an_index_with_editions_moves_is_copied_and_removed(library: Any, tmp_path: Path) -> None:
    library.make(OLD)
    make_beside(library)
    export(library.directory, tmp_path / "index.tar")
    import_(tmp_path / "index.tar", tmp_path / "copy")
    with Snapshot.open(tmp_path / "copy") as snapshot:
        assert snapshot.identity.name == "other"
        assert snapshot.directory == tmp_path / "copy"
        assert len(snapshot) == len(OLD)
    assert check(tmp_path / "copy", read_data=True).problems == ()
    move(library.directory, tmp_path / "moved")
    with Snapshot.open(tmp_path / "moved") as snapshot:
        assert snapshot.identity.name == "other"
    assert upgrade(tmp_path / "moved").backup is None
    remove(tmp_path / "moved")
    assert not (tmp_path / "moved").exists()


def test_a_link_in_the_place_of_an_edition_is_none(damaged_library: Any, tmp_path: Path) -> None:
    library = damaged_library
    library.make(OLD)
    (tmp_path / "elsewhere").mkdir()
    (library.directory / "editions").mkdir()
    (library.directory / "editions" / "0001").symlink_to(tmp_path / "elsewhere")
    assert editions.numbers(library.directory) == []
    assert editions.replaced(library.directory) == []
    with pytest.raises(IndexDamaged, match="0001 is a link"):
        library.snapshot()


def test_an_edition_is_opened_by_the_parts_that_write(library: Any) -> None:
    library.make(OLD)
    opened = open_for_writing(
        library.directory, other(library), create=True, replace=False, wait_s=0, edition=1,
        disk=Disk(), now=library.clock, standing=Standing(),
    )  # fmt: skip
    assert opened.directory == library.directory / "editions" / "0001"
    opened.database.close()
    opened.lock.release()
    with library.open() as writer:
        assert not writer.put_in_force()  # it is already
