"""An index is searched on a GPU when there is one that takes it, else on the processor."""

import re
from types import SimpleNamespace
from typing import Any

import pytest

from lexsearch.stores.dense._gpu import place


def fake(*, gpus: int = 1, error: Exception | None = None) -> Any:
    """What the GPU wheel adds to the module; a clone is a pair that names its options."""

    def clone(resources: Any, device: int, index: Any, options: Any) -> Any:
        if error:
            raise error
        return ("clone", device, index, options.useFloat16, options.indicesOptions)

    return SimpleNamespace(
        StandardGpuResources=lambda: "memory",
        GpuClonerOptions=SimpleNamespace,
        INDICES_64_BIT="64 bit",
        get_num_gpus=lambda: gpus,
        index_cpu_to_gpu=clone,
    )


def test_a_gpu_gets_a_float16_clone_with_wide_ids_and_keeps_its_memory() -> None:
    placed = place(fake(), "index")
    assert placed.on_gpu
    assert placed.index == ("clone", 0, "index", True, "64 bit")
    assert placed.resources == "memory"


@pytest.mark.parametrize(
    ("module", "reason"),
    [
        (SimpleNamespace(get_num_gpus=lambda: 0), "has no GPU part"),
        (fake(gpus=0), "sees no GPU"),
        (fake(error=RuntimeError("out of memory\nstack")), r"refused \(out of memory\)"),
        (fake(error=RuntimeError()), r"refused \(no reason given\)"),
    ],
)
def test_without_a_gpu_that_takes_it_the_index_stays_and_a_sentence_says_why(
    module: Any, reason: str
) -> None:
    placed = place(module, "index")
    assert (placed.index, placed.on_gpu) == ("index", False)
    assert re.search(reason, placed.note)


@pytest.mark.gpu
def test_a_gpu_finds_the_same_as_the_processor() -> None:
    import numpy as np

    faiss: Any = pytest.importorskip("faiss")
    if not hasattr(faiss, "StandardGpuResources") or faiss.get_num_gpus() < 1:
        pytest.skip("SKIPPED: faiss sees no GPU here, so nothing was compared")
    from lexsearch.registry import build
    from lexsearch.types import DenseVectors

    rng = np.random.default_rng(0)
    values = rng.normal(size=(20_000, 64)).astype(np.float32)
    values /= np.linalg.norm(values, axis=1, keepdims=True)
    found = []
    for gpu in (True, False):
        index = build("stores.dense", "faiss_ivf", dim=64, up=1, down=0, gpu=gpu)
        index.add(np.arange(20_000), DenseVectors(values))
        found.append([index.search(DenseVectors(values[i : i + 1]), 50) for i in range(20)])
        assert ("on the GPU" in index.state) == gpu
    for one, other in zip(*found, strict=True):
        assert len(set(one.ids.tolist()) & set(other.ids.tolist())) >= 49
