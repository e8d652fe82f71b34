"""Pictures encoded in several processes are stored as from one."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from indexer import devices
from indexer.devices import opened, parse
from indexer.vectors import joined, pack_encoded, pack_pixels, unpack_encoded, unpack_pixels
from indexer.wire import WireError
from lexsearch.bundle.snapshot import Snapshot
from lexsearch.cli import main
from lexsearch.errors import LexsearchError, ModelMissing, UsageError
from lexsearch.types import Encoded

Paint = Callable[..., Path]


def stored(db: Path) -> list[dict[str, bytes]]:
    """The bytes of every array of every segment, oldest first."""
    with Snapshot.open(db) as snapshot:
        return [
            {
                f"{role}.{name}": np.asarray(array).tobytes()
                for role in ("lexical", "dense", "tokens")
                for name, array in segment.sections(role).items()
            }
            | {"ids": segment.image_ids.tobytes()}
            for segment in snapshot.segments
        ]


def same(one: Encoded, other: Encoded) -> bool:
    return pack_encoded(one) == pack_encoded(other)


def test_an_index_from_two_processes_is_that_of_one_to_the_byte(
    tmp_path: Path, paint: Paint, capsys: pytest.CaptureFixture[str]
) -> None:
    for i in range(7):  # an odd number: the parts differ
        paint(tmp_path / "photos" / f"{i}.png", i)
    for name, chosen in (("one", "cpu"), ("two", "cpu,cpu")):
        code = main(
            ["index", str(tmp_path / "photos"), "--db", str(tmp_path / name), "--model", "mini",
             "--device", chosen, "--batch-size", "4", "--json"]
        )  # fmt: skip
        shown = capsys.readouterr()
        assert code == 0, shown.err
        assert json.loads(shown.out)["encoded"] == 7
    one, two = stored(tmp_path / "one"), stored(tmp_path / "two")
    assert len(one[0]) > 6
    assert one == two


def test_parts_are_put_together_in_their_order(toy_model: Any) -> None:
    pixels = np.random.default_rng(1).integers(0, 256, (5, 8, 8, 3), dtype=np.uint8)
    whole = toy_model.encode_pixels(pixels)
    parts = [toy_model.encode_pixels(part) for part in np.array_split(pixels, 3)]
    assert same(joined(parts), whole)
    assert joined(parts[:1]) is parts[0]
    assert same(unpack_encoded(pack_encoded(whole)), whole)
    assert (unpack_pixels(b"".join(pack_pixels(pixels))) == pixels).all()
    bare = Encoded(None, whole.dense, None)
    assert unpack_encoded(pack_encoded(bare)).lexical is None
    assert same(joined([bare, bare]), joined([bare, bare]))


@pytest.mark.parametrize("payload", [b"", b"\x01" * 7, b"\xff" * 40])
def test_nonsense_from_the_other_side_is_refused(payload: bytes) -> None:
    with pytest.raises(WireError):
        unpack_pixels(payload)
    with pytest.raises(WireError):
        unpack_encoded(payload)


def test_a_process_that_dies_is_named_with_the_way_on() -> None:
    with opened("mini", ["cpu", "cpu"], threads=1) as model:
        spec = model.pixel_spec
        pixels = np.zeros((3, spec.height, spec.width, 3), np.uint8)
        assert len(model.encode_pixels(pixels).dense.values) == 3
        assert len(model.encode_pixels(pixels[:1]).dense.values) == 1  # none for the other
        (other,) = model._others
        other._process.kill()
        with pytest.raises(LexsearchError, match=r"on cpu ended \(exit code -9\).*same command"):
            model.encode_pixels(pixels)


def test_what_the_process_cannot_load_is_said() -> None:
    with (
        pytest.raises(ModelMissing, match="on cuda:7: the model 'mini' runs on cpu"),
        opened("mini", ["cpu", "cuda:7"], threads=1),
    ):
        pass


def test_devices_are_read_from_the_command_line(monkeypatch: pytest.MonkeyPatch) -> None:
    assert parse(None) == []
    assert parse("cuda:1") == ["cuda:1"]
    assert parse("cuda:0, cuda:1") == ["cuda:0", "cuda:1"]
    assert parse("cpu,cpu") == ["cpu", "cpu"]
    for wrong in ("", "cpu,", "cuda:0,cuda:0"):
        with pytest.raises(UsageError, match="--device"):
            parse(wrong)
    torch = pytest.importorskip("torch", reason="torch is not installed")
    # Stands for machines with and without GPUs, which cannot both be here.
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert parse("all") == ["cuda:0", "cuda:1"]
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    with pytest.raises(UsageError, match="no CUDA GPU"):
        parse("all")


def test_the_bundled_model_runs_on_the_processor_alone() -> None:
    with pytest.raises(UsageError, match="runs on cpu, not on cuda:0"):
        devices.built("mini", "cuda:0", threads=1)
