"""SigLIP 2 with NaFlex on pictures of any shape, against transformers with its own processor."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed")
tf = pytest.importorskip("transformers", reason="transformers is not installed")

from PIL import Image  # noqa: E402

from lexsearch.api import LexSearch  # noqa: E402
from lexsearch.encoders._siglip_tower import load_siglip  # noqa: E402
from lexsearch.errors import UsageError  # noqa: E402
from lexsearch.patch_sequence import grid_in  # noqa: E402
from lexsearch.pixels import to_pixels  # noqa: E402
from lexsearch.query import Query  # noqa: E402
from lexsearch.registry import build  # noqa: E402

SHAPES = [(90, 30), (30, 90), (64, 64), (200, 11), (50, 41)]


def pictures() -> list[Image.Image]:
    noise = np.random.default_rng(3)
    return [
        Image.fromarray(noise.integers(0, 256, (height, width, 3), dtype=np.uint8))
        for width, height in SHAPES
    ]


@pytest.mark.parametrize("budget", [16, 40])
def test_vectors_and_patches_are_those_of_transformers(tiny: Any, budget: int) -> None:
    from transformers.models.siglip2.image_processing_pil_siglip2 import Siglip2ImageProcessorPil

    images = pictures()
    processor = Siglip2ImageProcessorPil(patch_size=8, max_num_patches=budget)
    given = processor(images, return_tensors="pt")
    model = tf.Siglip2Model.from_pretrained(tiny.siglip2).eval()
    with torch.no_grad():
        out = model.vision_model(
            pixel_values=given["pixel_values"],
            pixel_attention_mask=given["pixel_attention_mask"],
            spatial_shapes=given["spatial_shapes"],
        )
    tower = load_siglip(tiny.siglip2, patches=budget)
    spec = tower.preprocess.spec
    pixels = np.stack([to_pixels(image, spec) for image in images])
    grids = [grid_in(one, spec) for one in pixels]
    assert [list(one) for one in grids] == given["spatial_shapes"].tolist()
    assert len(set(grids)) > 2
    ready = tower.preprocess.normalise(pixels, torch.device("cpu"))
    vectors, patches = tower.sequence(ready, grids)
    assert (vectors - out.pooler_output).abs().max() < 1e-5
    with torch.no_grad():
        for i, (rows, columns) in enumerate(grids):
            wanted = out.last_hidden_state[i, : rows * columns, None]
            alone = model.vision_model.head(wanted, None)
            assert (patches[i, : rows * columns] - alone.reshape(-1, tower.dim)).abs().max() < 1e-5


def test_a_file_that_says_how_many_patches_is_believed(tiny: Any, tmp_path: Path) -> None:
    shutil.copytree(tiny.siglip2, tmp_path / "a")
    said = {"max_num_patches": 21, "patch_size": 8, "resample": 2}
    (tmp_path / "a" / "preprocessor_config.json").write_text(json.dumps(said))
    model = build("encoders.models", f"siglip:{tmp_path / 'a'}?words=0")
    assert model.identity.tokens_per_image == 21
    name = f"siglip:{tmp_path / 'a'}?words=0&patches=30"
    assert build("encoders.models", name).identity.tokens_per_image == 30
    for wrong in ("patches=many", "patches=-1", "patches=100000", "patches=9&fit=squash"):
        with pytest.raises(UsageError, match="patches"):
            build("encoders.models", f"siglip:{tmp_path / 'a'}?words=0&{wrong}")
    with pytest.raises(UsageError, match="NaFlex"):
        build("encoders.models", f"siglip:{tiny.siglip}?words=0&patches=9")


def test_a_row_does_not_depend_on_the_shapes_beside_it(tiny: Any) -> None:
    model = build("encoders.models", f"siglip:{tiny.siglip2}?words=40&patches=24")
    pixels = np.stack([to_pixels(image, model.pixel_spec) for image in pictures()])
    whole = model.encode_pixels(pixels)
    assert whole.tokens.grid is None
    for i in range(len(pixels)):
        alone = model.encode_pixels(pixels[i : i + 1])
        rows, columns = alone.tokens.grid
        assert len(alone.tokens.values) == rows * columns
        assert alone.dense.values[0].tobytes() == whole.dense.values[i].tobytes()
        assert alone.tokens.item(0).tobytes() == whole.tokens.item(i).tobytes()
        assert alone.lexical.row(0)[1].tobytes() == whole.lexical.row(i)[1].tobytes()


@pytest.mark.parametrize("options", ["", "&fit=squash"])
def test_pictures_of_all_shapes_are_indexed_searched_and_explained(
    tiny: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: str
) -> None:
    monkeypatch.setenv("LEXSEARCH_CACHE_DIR", str(tmp_path / "cache"))
    (tmp_path / "photos").mkdir()
    for i, image in enumerate(pictures()):
        image.save(tmp_path / "photos" / f"{i}.png")
    name = f"siglip:{tiny.siglip2}?words=40{options}"
    with LexSearch.create(tmp_path / "db", model=name) as db:
        assert db.index(tmp_path / "photos").encoded == len(SHAPES)
        assert len(db.search("two dogs", mode="late", top_k=9)) == len(SHAPES)
        for i, (width, height) in enumerate(SHAPES):
            path = tmp_path / "photos" / f"{i}.png"
            assert db.search(Query.image(path), mode="late", top_k=1)[0].path == str(path)
            why = db.explain("two dogs", path)
            rows, columns = why.grid
            if options:
                assert rows == columns
            else:
                assert columns >= rows if width >= height else rows > columns
            assert all(one.heat.shape == (rows, columns) for one in why.tokens)
            both = db.explain(Query.image(path) + Query.image(path), path)
            assert len(both.tokens) == 2 * rows * columns
