"""A file that kills its decoder is one line of the report; decoders really die here."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO

import pytest

from indexer import wire
from indexer.decode import KILLED_ONCE, KILLED_TWICE, NO_MEMORY, Decoded, DecodeError
from indexer.decoders import Held, Outcome
from indexer.pipeline import IndexOptions, index_folders
from indexer.supervise import DecoderDied, ProcessDecoder
from lexsearch.bundle.snapshot import Snapshot
from lexsearch.errors import LexsearchError
from lexsearch.protocols import Model
from lexsearch.types import Encoded, PixelArray, PixelSpec

pytestmark = pytest.mark.skipif(os.name != "posix", reason="limits of the system")
SPEC = PixelSpec(8, 8)
Paint = Callable[..., Path]


@pytest.fixture
def deadly(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Decoder processes do what the names of their files say, and leave a mark here before."""
    (tmp_path / "tries").mkdir()
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent / "deadly"))
    monkeypatch.setenv("DEADLY_TRIES", str(tmp_path / "tries"))
    return tmp_path / "tries"


def outcomes(paths: list[Path], **options: float) -> list[Outcome]:
    with ProcessDecoder(SPEC, frozenset(), threads=1, **options) as decoder:  # type: ignore[arg-type]
        return [o for b in decoder.decode([[os.fsencode(p) for p in paths]]) for o in list(b)]


def reason(outcome: Outcome) -> str:
    assert isinstance(outcome, DecodeError)
    return outcome.reason


@pytest.mark.parametrize(
    ("deed", "expected"),
    [
        ("abort", "crashed its decoder (SIGABRT)"),
        ("segfault", "crashed its decoder (SIGSEGV)"),
        ("kill", KILLED_ONCE),
        ("exit", "crashed its decoder (exit code 3)"),
        ("deep", "crashed its decoder (SIGSEGV)"),
        ("lie", "made its decoder answer nonsense"),
    ],
)
@pytest.mark.usefixtures("deadly")
def test_a_death_is_named_and_the_next_file_is_decoded(
    tmp_path: Path, paint: Paint, deed: str, expected: str
) -> None:
    paths = [paint(tmp_path / f"{name}.png", i) for i, name in enumerate(["a", deed, "z"])]
    first, dead, last = outcomes(paths)
    assert isinstance(first, Decoded)
    assert isinstance(dead, DecoderDied)
    assert dead.reason == expected
    assert dead.sha256 is not None
    assert isinstance(last, Decoded)


def test_a_decoder_that_ends_while_it_is_idle_costs_no_picture(
    tmp_path: Path, paint: Paint
) -> None:
    paths = [os.fsencode(paint(tmp_path / f"{i}.png", i)) for i in range(3)]
    with ProcessDecoder(SPEC, frozenset(), threads=1) as decoder:
        for path in paths:
            (outcome,) = (one for batch in decoder.decode([[path]]) for one in list(batch))
            assert isinstance(outcome, Decoded)
            (worker,) = decoder._alive
            worker.process.kill()
            worker.process.wait()


@pytest.mark.parametrize("kind", [wire.DECODE, wire.GO])
def test_decoders_that_hear_nothing_end_the_run(
    tmp_path: Path, paint: Paint, monkeypatch: pytest.MonkeyPatch, kind: int
) -> None:
    plain = wire.send

    def send(stream: IO[bytes], said: int, *parts: bytes) -> None:
        if said == kind:
            raise OSError(28, "No space left on device")
        plain(stream, said, *parts)

    path = paint(tmp_path / "a.png")
    monkeypatch.setattr("indexer.wire.send", send)
    with pytest.raises(LexsearchError, match="4 decoder processes one after the other"):
        outcomes([path])


@pytest.mark.usefixtures("deadly")
def test_an_endless_loop_is_ended_by_its_work_and_a_sleeper_by_the_clock(
    tmp_path: Path, paint: Paint
) -> None:
    loop, sleeper = paint(tmp_path / "loop.png", 1), paint(tmp_path / "sleep.png", 2)
    (dead,) = outcomes([loop], file_s=1.0)
    assert reason(dead).startswith("took more than ")
    (dead,) = outcomes([sleeper], file_s=0.5)
    assert reason(dead) == "took more than 1.5 s to decode (see --file-timeout)"


@pytest.mark.usefixtures("deadly")
def test_what_eats_memory_is_stopped_at_the_limit(tmp_path: Path, paint: Paint) -> None:
    eater, good = paint(tmp_path / "eat.png", 1), paint(tmp_path / "good.png", 2)
    dead, alive = outcomes([eater, good], max_pixels=1_000_000)
    assert reason(dead) == NO_MEMORY
    assert isinstance(alive, Decoded)


@pytest.mark.usefixtures("deadly")
def test_what_a_library_prints_reaches_nobody(
    tmp_path: Path, paint: Paint, capfd: pytest.CaptureFixture[str]
) -> None:
    (alive,) = outcomes([paint(tmp_path / "chatter.png", 1)])
    assert isinstance(alive, Decoded)
    assert capfd.readouterr() == ("", "")


@pytest.mark.usefixtures("deadly")
def test_a_decoder_writes_nothing(tmp_path: Path, paint: Paint) -> None:
    (outcome,) = outcomes([paint(tmp_path / "scribble.png", 1)])
    assert "too large" in reason(outcome).lower()  # EFBIG: files of 0 bytes are all it may make
    assert (tmp_path / "written").stat().st_size == 0


def test_outcomes_are_those_of_threads(tmp_path: Path, paint: Paint) -> None:
    from indexer.decoders import ThreadDecoder

    paths = [paint(tmp_path / f"{i}.png", i) for i in range(5)]
    (tmp_path / "text.jpg").write_text("text")
    raw = [os.fsencode(path) for path in [*paths, tmp_path / "text.jpg", tmp_path / "none.jpg"]]
    found = []
    for kind in (ThreadDecoder, ProcessDecoder):
        with kind(SPEC, frozenset(), threads=2) as decoder:
            found.append([o for batch in decoder.decode([raw]) for o in list(batch)])
    for one, other in zip(*found, strict=True):
        assert type(one) is type(other)
        if isinstance(one, Decoded):
            assert isinstance(other, Decoded)
            assert (one.pixels == other.pixels).all()
            names = ("sha256", "width", "height", "taken", "camera", "gps", "dhash")
            assert [getattr(one, n) for n in names] == [getattr(other, n) for n in names]
        elif isinstance(one, DecodeError):
            assert isinstance(other, DecodeError)
            assert (one.path, one.reason, one.sha256) == (other.path, other.reason, other.sha256)


def test_what_the_camera_wrote_crosses_the_pipe(tmp_path: Path) -> None:
    from PIL import Image

    exif = Image.Exif()
    exif[0x010F], exif[0x0110], exif[0x0132] = "FUJIFILM", "X100V", "2024:01:02 03:04:05"
    exif.get_ifd(0x8825).update({1: "N", 2: (41.0, 6.0, 36.0), 3: "W", 4: (1.0, 30.0, 0.0)})
    Image.new("RGB", (8, 8)).save(tmp_path / "a.jpg", exif=exif)
    (found,) = outcomes([tmp_path / "a.jpg"])
    assert isinstance(found, Decoded)
    assert (found.camera, found.taken) == ("FUJIFILM X100V", "2024-01-02T03:04:05")
    assert found.gps == pytest.approx((41.11, -1.5))


def test_held_contents_are_not_decoded(tmp_path: Path, paint: Paint) -> None:
    path = paint(tmp_path / "a.png")
    (first,) = outcomes([path])
    assert isinstance(first, Decoded)
    with ProcessDecoder(SPEC, {first.sha256}, threads=1) as decoder:
        ((again,),) = [list(batch) for batch in decoder.decode([[os.fsencode(path)]])]
    assert again == Held(first.sha256)


def test_one_big_picture_at_a_time_and_all_of_them(tmp_path: Path) -> None:
    from PIL import Image

    paths = [tmp_path / f"{i}.png" for i in range(3)]
    for i, path in enumerate(paths):
        Image.new("L", (5000, 5000), 50 * i).save(path, compress_level=1)
    with ProcessDecoder(SPEC, frozenset(), threads=3) as decoder:
        (batch,) = [list(b) for b in decoder.decode([[os.fsencode(p) for p in paths]])]
    assert [int(one.pixels.mean()) for one in batch if isinstance(one, Decoded)] == [0, 50, 100]


@pytest.mark.usefixtures("deadly")
def test_leaving_early_waits_for_nobody(tmp_path: Path, paint: Paint) -> None:
    good, sleeper = paint(tmp_path / "a.png", 1), paint(tmp_path / "sleep.png", 2)
    decoder = ProcessDecoder(SPEC, frozenset(), threads=2)
    with pytest.raises(KeyboardInterrupt), decoder:
        for _ in decoder.decode([[os.fsencode(good)], [os.fsencode(sleeper)]]):
            start = time.monotonic()
            raise KeyboardInterrupt
    assert time.monotonic() - start < 30
    assert all(worker.process.returncode is not None for worker in decoder._alive)


def test_a_decoder_that_does_not_start_ends_the_run_with_its_reason(
    tmp_path: Path, paint: Paint, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "sitecustomize.py").write_text("import os\nos.write(2, b'no luck')\nos._exit(9)\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with pytest.raises(LexsearchError, match="does not start: no luck"):
        outcomes([paint(tmp_path / "a.png")])


def test_a_picture_whose_decoder_was_killed_is_tried_once_more_by_the_next_run(
    tmp_path: Path, photos: Path, paint: Paint, toy_model: Model, deadly: Path
) -> None:
    """Something else may have killed it: the out-of-memory killer, a person."""
    victim = paint(photos / "accident.png", 77)
    db = tmp_path / "db"

    def run() -> tuple[list[str], int]:
        options = IndexOptions(threads=1)
        report = index_folders([photos], directory=db, model=toy_model, options=options)
        return [one.reason for one in report.skipped], report.encoded

    assert run() == ([KILLED_ONCE], 5)
    assert run() == ([], 1)
    assert listed(db) == {}
    victim.rename(photos / "kill.png")
    paint(photos / "kill.png", 78)
    assert run() == ([KILLED_ONCE], 0)
    assert run() == ([KILLED_TWICE], 0)
    tries = len(list(deadly.iterdir()))
    assert run() == ([KILLED_TWICE], 0)
    assert len(list(deadly.iterdir())) == tries
    assert listed(db) == {"kill.png": KILLED_TWICE}


class Mortal:
    """A model that dies instead of encoding."""

    def __init__(self, model: Model) -> None:
        self.model = model

    def __getattr__(self, name: str) -> object:
        return getattr(self.model, name)

    def encode_pixels(self, pixels: PixelArray) -> Encoded:
        raise KeyboardInterrupt


def listed(db: Path) -> dict[str, str]:
    snapshot = Snapshot.open(db)
    found = {os.path.basename(one.path).decode(): one.reason for one in snapshot.skipped()}
    snapshot.close()
    return found


def test_a_killer_is_recorded_before_all_else_and_not_tried_again_unasked(
    tmp_path: Path, photos: Path, paint: Paint, toy_model: Model, deadly: Path
) -> None:
    db, killer = tmp_path / "db", photos / "abort.png"
    paint(killer, 77)

    def run(model: object = toy_model, **options: bool) -> int:
        report = index_folders(
            [photos],
            directory=db,
            model=model,  # type: ignore[arg-type]
            options=IndexOptions(threads=1, **options),
        )
        assert [one.reason for one in report.skipped] == ["crashed its decoder (SIGABRT)"]
        assert report.found == 6
        return len(list(deadly.iterdir()))

    with pytest.raises(KeyboardInterrupt):
        run(Mortal(toy_model))
    assert listed(db) == {"abort.png": "crashed its decoder (SIGABRT)"}  # nothing else is safe yet
    os.utime(killer, (1, 1))  # another time, the same bytes
    assert run() == 1
    assert run(retry=True) == 2
    assert run() == 2
    paint(killer, 78)
    assert run() == 3
