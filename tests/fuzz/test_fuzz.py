"""Mutated input of every kind gives a value or one of our errors; FUZZ_EXAMPLES says how many."""

from __future__ import annotations

import contextlib
import io
import os
import random
from collections import Counter
from dataclasses import replace
from itertools import chain
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from PIL import Image

from indexer import wire
from indexer.decode import Decoded, DecodeError
from indexer.supervise import DecoderDied, ProcessDecoder
from lexsearch.bundle.container import open_file, write_file
from lexsearch.bundle.disk import Disk
from lexsearch.errors import IndexDamaged, IndexTooNew, UsageError
from lexsearch.grammar import MAX_PARTS, MAX_QUERY_CHARS, parse
from lexsearch.query import FILTER_NAMES, Filter, Query
from lexsearch.registry import build
from lexsearch.settings import Settings
from lexsearch.stores.dense import Codes
from lexsearch.types import DenseVectors, PixelSpec, Ranking

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "200"))
IN_CI = "FUZZ_EXAMPLES" not in os.environ
SPEC = PixelSpec(8, 8)
fuzzed = settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=IN_CI,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
letters = st.text(st.characters(exclude_categories=()), max_size=60)
pieces = st.sampled_from(
    [
        '"', "-", "+", " ", "\t", "\u2028", "2:", "0.5:x", "after:", "after:2024-13-99", "year:0",
        "year:9999", "before:2024-12-31T23:59:59", "path:*", "path:[", "type:.", "camera:\x00",
        "./a.jpg", "~/x.png", "/etc/passwd.jpg", "-w", "--", "- -", '""', "e\u0301", "\ud800",
        "\udcff", "\u202e", "9999.9999:ok", "1e9:w", "٣:w", "ß", "ﬀ",
    ]
)  # fmt: skip
queries = st.lists(letters | pieces, max_size=40).map(" ".join) | st.lists(
    letters | pieces, max_size=40
).map("".join)


@fuzzed
@given(queries)
def test_any_line_is_a_query(text: str) -> None:
    query = parse(text)
    assert len(query.parts) <= MAX_PARTS
    assert all(len(str(part.value)) <= MAX_QUERY_CHARS for part in query.parts)
    assert all(np.isfinite(weight) and weight >= 0 for weight in query.weights.values())
    str(query)
    literal = Query.text(text)
    literal.parts[0].value.encode("utf-8")  # type: ignore[union-attr]


values = (letters | pieces).filter(len).map(lambda text: text.replace(" ", "_")) | st.sampled_from(
    ["2024", "2024-02-30", "0-0", "9999-12-31T23:59:60", "1,2", "91,0,1", "nan,0", "1,2,3,4", "*"]
)
conditions = st.lists(
    st.tuples(st.sampled_from(FILTER_NAMES), values).map(":".join), min_size=1, max_size=3
).map(" ".join)


@fuzzed
@given(conditions | queries)
@example("taken:2024-¹")  # a digit that is no number
def test_any_line_is_a_filter_or_a_usage_error(text: str) -> None:
    from lexsearch.bundle.conditions import predicate

    try:
        given_filter = Filter.parse(text)
        meets = predicate(
            path_glob=given_filter.path, type_=given_filter.type, camera=given_filter.camera
        )
    except UsageError:
        return
    meets(b"/photos/caf\xe9/a[1].jpg", None, None)
    meets(b"", "FUJIFILM X100V", "{}")


@fuzzed
@given(st.binary(max_size=300), st.binary(max_size=32))
def test_any_answer_of_a_decoder_is_a_picture_or_refused(payload: bytes, sha256: bytes) -> None:
    for data in (payload, payload[:28] + payload[28:] + bytes(192)):
        try:
            picture = wire.unpack_picture(data, sha256, SPEC)
        except wire.WireError:
            continue
        assert picture.pixels.shape == (8, 8, 3)
    try:
        wire.receive(io.BytesIO(payload))
        wire.unpack_error(payload, b"/a.jpg", sha256)
    except wire.WireError:
        pass


settings_pieces = st.sampled_from(
    [
        "db", "threads", "data_dir", "lists_from", "token", "=", "\n", '"', "'", "[", "]", "[[",
        "{", "}", "-1", "1e999", "0x10", "99999999999999999999", '"~nobody/x"', '"\\u0000"', "true",
        "1979-05-27", "nan", "#", ".", ",", "\ufeff", "\x00", "[" * 3000, '"""', "a = ",
        "threads = ", "data_dir = ", '"~"',
    ]
)  # fmt: skip


@fuzzed
@given(
    st.lists(settings_pieces | letters, max_size=20).map(
        lambda found: "".join(found).encode("utf-8", "replace")
    )
    | st.binary(max_size=200)
)
@example(b"a = " + b"[" * 100_000)
@example(b'data_dir = "~nobody-of-that-name/x"')
@example(b'cache_dir = "\\u0000"')
def test_any_settings_are_taken_or_a_usage_error(
    tmp_path_factory: pytest.TempPathFactory, data: bytes
) -> None:
    place = tmp_path_factory.getbasetemp() / "settings"
    place.mkdir(exist_ok=True)
    (place / "lexsearch.toml").write_bytes(data)
    with contextlib.chdir(place), contextlib.suppress(UsageError):
        Settings.load()


ULID = "0" * 26
ARRAYS = {
    "ids": np.arange(40, dtype=np.int64),
    "rows": np.arange(400, dtype=np.uint8).reshape(40, 10),
    "none": np.zeros(0, np.float32),
}


@pytest.fixture(scope="module")
def segment(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("segment") / "dense.lxd"
    write_file(path, "dense", ULID, ARRAYS, disk=Disk())
    return path.read_bytes()


def mutated(data: bytes, seed: int) -> bytes:
    """The bytes with a few of them flipped, cut, doubled, or set to an odd number."""
    dice = random.Random(seed)
    out = bytearray(data)
    for _ in range(dice.choice([1, 1, 1, 2, 4, 16])):
        at = dice.randrange(len(out)) if out else 0
        how = dice.randrange(6)
        if how == 0 and out:
            out[at] ^= 1 << dice.randrange(8)
        elif how == 1:
            del out[at : at + dice.randrange(1, 64)]
        elif how == 2:
            out[at:at] = out[at : at + dice.randrange(1, 64)]
        elif how == 3:
            odd = dice.choice([0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF])
            width = dice.choice([1, 2, 4])
            order = dice.choice(["little", "big"])
            out[at : at + width] = (odd % 256**width).to_bytes(width, order)  # type: ignore[arg-type]
        elif how == 4:
            del out[at:]
        else:
            out[at : at + 16] = dice.randbytes(16)
    return bytes(out)


@fuzzed
@given(seed=st.integers(0, 2**63))
def test_a_mutated_segment_is_refused_or_the_same(
    tmp_path_factory: pytest.TempPathFactory, segment: bytes, seed: int
) -> None:
    path = tmp_path_factory.getbasetemp() / "mutated.lxd"
    data = mutated(segment, seed)
    path.unlink(missing_ok=True)
    path.write_bytes(data)
    for verify in (True, False):
        try:
            arrays = open_file(path, "dense", ULID, verify=verify)
        except (IndexDamaged, IndexTooNew):
            continue
        if verify:
            assert arrays.keys() == ARRAYS.keys()
            assert all((arrays[name] == ARRAYS[name]).all() for name in ARRAYS)


def scores_of(ranking: Ranking) -> dict[int, float]:
    return dict(zip(ranking.ids.tolist(), ranking.scores.tolist(), strict=True))


@pytest.mark.parametrize("codes", ["fp16", "sq8", "pq4"])
def test_mutated_lists_are_refused_or_show_each_picture_once(codes: Codes) -> None:
    # The bytes that FAISS parses, as in a file whose checksum fits; all scores are the true ones.
    pytest.importorskip("faiss")
    dice = random.Random(1 if IN_CI else None)
    values = np.random.default_rng(3).normal(size=(600, 16)).astype(np.float32)
    ids = np.random.default_rng(4).permutation(9_000)[: len(values)].astype(np.int64)
    flat = build("stores.dense", "flat", dim=16)
    listed = build("stores.dense", "auto", dim=16, up=500, down=300, codes=codes)
    for store in (flat, listed):
        store.add(ids, DenseVectors(values))
    queries = [DenseVectors(values[i : i + 1]) for i in (0, 1)]
    scores = [scores_of(flat.search(query, len(ids))) for query in queries]
    made = listed.make_lists()
    sound = replace(made, facts=replace(made.facts, nprobe=1, depth=1))  # else it scans so few
    counts: Counter[str] = Counter()
    whole = sound.data.tobytes()
    heads = (whole[:i] + bytes([to]) + whole[i + 1 :] for i in range(200) for to in (0, 1, 255))
    drawn = (mutated(whole, dice.getrandbits(63)) for _ in range(-(-EXAMPLES // 3)))
    for data in chain(heads, drawn):
        try:
            listed.use_lists(replace(sound, data=np.frombuffer(data, np.uint8)))
        except ValueError:
            counts["refused"] += 1
            continue
        counts["read"] += 1
        for query, known in zip(queries, scores, strict=True):
            found = scores_of(listed.search(query, 20))
            assert len(found) == 20
            assert found.items() <= known.items()
    assert min(counts["refused"], counts["read"]) >= EXAMPLES // 30


def seeds() -> list[tuple[str, bytes]]:
    """Small pictures of every format and mode."""
    exif = Image.Exif()
    exif[0x0112], exif[0x0110], exif[0x0132] = 6, "X100V", "2024:01:02 03:04:05"
    exif.get_ifd(0x8825).update({1: "N", 2: (41.0, 6.0, 36.0), 3: "W", 4: (1.0, 30.0, 0.0)})
    cells = np.random.default_rng(5).integers(0, 256, (9, 12, 3), dtype=np.uint8)
    picture = Image.fromarray(cells).resize((36, 27))
    frames = [picture.rotate(90 * i) for i in range(3)]
    kinds: list[tuple[str, Image.Image, dict[str, object]]] = [
        ("JPEG", picture, {"exif": exif}),
        ("JPEG", picture.convert("CMYK"), {"progressive": True}),
        ("PNG", picture, {"exif": exif}),
        ("PNG", picture.convert("P"), {"transparency": bytes(range(256))}),
        ("PNG", picture.convert("LA"), {}),
        ("WEBP", picture, {"exif": exif}),
        ("WEBP", picture.convert("RGBA"), {"lossless": True}),
        ("GIF", frames[0], {"save_all": True, "append_images": frames[1:]}),
        ("BMP", picture, {}),
        ("TIFF", picture, {"compression": "tiff_lzw"}),
        ("TIFF", picture.convert("CMYK"), {"compression": "tiff_adobe_deflate"}),
        ("TIFF", picture, {"compression": "jpeg"}),
    ]
    out = []
    for kind, image, options in kinds:
        stream = io.BytesIO()
        image.save(stream, kind, **options)  # type: ignore[arg-type]
        out.append((kind, stream.getvalue()))
    return out


def test_mutated_pictures_are_decoded_or_named_and_kill_nobody(tmp_path: Path) -> None:
    dice = random.Random(1 if IN_CI else None)
    sources = seeds()
    counts: Counter[str] = Counter()
    killers = []
    with ProcessDecoder(SPEC, frozenset(), threads=2, max_pixels=4_000_000, file_s=10) as decoder:
        for start in range(0, EXAMPLES, 100):
            paths = []
            for i in range(start, min(start + 100, EXAMPLES)):
                kind, data = sources[i % len(sources)]
                path = tmp_path / f"{i % 100}.{kind.lower()}"
                path.write_bytes(mutated(data, dice.getrandbits(63)))
                paths.append(os.fsencode(path))
            (batch,) = (list(one) for one in decoder.decode([paths]))
            for path, outcome in zip(paths, batch, strict=True):
                counts[type(outcome).__name__] += 1
                if isinstance(outcome, DecoderDied):
                    killers.append((outcome.reason, Path(os.fsdecode(path)).read_bytes().hex()))
                elif isinstance(outcome, DecodeError):
                    assert 0 < len(outcome.reason) <= 200
                else:
                    assert isinstance(outcome, Decoded)
    assert killers == []
    assert counts["Decoded"] >= EXAMPLES // 10
    assert counts["DecodeError"] >= EXAMPLES // 10
