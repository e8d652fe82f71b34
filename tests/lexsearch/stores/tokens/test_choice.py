"""The integer kernel is the first that is there and answers rightly."""

import subprocess
import sys

import numpy as np
import pytest

from lexsearch.errors import ModelMissing, UsageError
from lexsearch.stores.tokens import _choice
from lexsearch.stores.tokens._choice import choose, is_exact


class Fake:
    """A kernel in NumPy whose answers are off by `wrong`."""

    name = "fake"

    def __init__(self, wrong: int = 0, error: type[Exception] | None = None) -> None:
        self.wrong, self.error = wrong, error

    def best(
        self, query: np.ndarray, rows: np.ndarray, counts: np.ndarray, scratch: np.ndarray
    ) -> np.ndarray:
        if self.error:
            raise self.error("this build has no such operator")
        levels = np.zeros(query.shape[1:], dtype=np.int64)
        for digit in query:
            levels = 256 * levels + digit
        products = rows.astype(np.int64) @ levels
        return np.maximum.reduceat(products, np.cumsum(counts) - counts, axis=0) + self.wrong


def test_a_kernel_passes_only_with_the_right_numbers() -> None:
    assert is_exact(Fake())
    assert not is_exact(Fake(wrong=1))
    assert not is_exact(Fake(error=RuntimeError))


def test_numpy_serves_every_width() -> None:
    assert choose("numpy", dim=128).name == "numpy"
    for name in ("auto", "onnx"):
        assert choose(name, dim=_choice.MAX_DIM + 1).name == "numpy"


def test_an_unknown_name_is_refused_with_the_known_ones() -> None:
    with pytest.raises(UsageError, match="'cuda'; known: auto, onnx, torch, numpy"):
        choose("cuda", dim=8)


def test_a_forced_kernel_that_is_missing_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "lexsearch.stores.tokens._kernel_torch", None)
    with pytest.raises(ModelMissing, match="'torch' is not installed"):
        choose("torch", dim=8)


def test_auto_passes_over_a_kernel_that_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("torch", "onnx"):
        monkeypatch.setitem(sys.modules, f"lexsearch.stores.tokens._kernel_{name}", None)
    assert choose(dim=8).name == "numpy"


@pytest.mark.parametrize("name", ["onnx", "torch"])
def test_a_kernel_by_name_is_that_one(name: str) -> None:
    pytest.importorskip("onnxruntime" if name == "onnx" else name)
    assert choose(name, dim=128).name == name


def test_auto_never_imports_torch() -> None:
    code = (
        "import sys\nfrom lexsearch.stores.tokens._choice import choose\n"
        "kernel = choose(dim=128)\nassert 'torch' not in sys.modules\n"
        "print(kernel.name)"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() in ("onnx", "numpy")


def test_two_digits_stay_in_int32_up_to_the_largest_width() -> None:
    assert _choice.MAX_DIM * 127 * (127 * _choice.BASE + 128) < 2**31
