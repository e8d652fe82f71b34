"""Nothing that a stranger wrote is executed: no pickle, no eval, no shell, no unpinned model."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FOLDERS = ("lexsearch", "indexer", "ui", "migrations", "sample_corpus", "benchmarks", "examples")
SOURCES = [
    path
    for folder in FOLDERS
    for path in sorted((ROOT / folder).rglob("*.py"))
    if "__pycache__" not in path.parts
]
# Modules that turn bytes into code or objects; multiprocessing pickles whatever it sends.
EXECUTING = {
    "_pickle", "cloudpickle", "code", "dill", "imp", "joblib", "marshal", "multiprocessing",
    "pickle", "pickletools", "shelve", "xmlrpc", "yaml",
}  # fmt: skip
# module.function -> the keyword, and the only value, that makes it harmless; None: never.
CALLS: dict[str, tuple[str, object] | None] = {
    "eval": None,
    "exec": None,
    "compile": None,
    "os.system": None,
    "os.popen": None,
    "torch.load": None,
    "torch.hub.load": None,
    "np.load": ("allow_pickle", False),
    "numpy.load": ("allow_pickle", False),
    "np.savez": None,  # a zip may unpack to a thousand times its size
    "sqlite3.enable_load_extension": None,
    "tempfile.mktemp": None,
}
# torch's loader of tensors and numbers only, for the state of an interrupted training run, and for
# the checkpoints of models that were published in no other form.
KNOWN = {
    "lexsearch/training/checkpoints.py": ["torch.load(self._path, weights_only=True)"],
    "lexsearch/encoders/_weights.py": ["torch.load(path, map_location='cpu', weights_only=True)"],
}


def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def imports(module: ast.Module) -> Iterator[str]:
    for node in ast.walk(module):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.partition(".")[0]


def unsafe_calls(module: ast.Module) -> Iterator[str]:
    for node in ast.walk(module):
        if not isinstance(node, ast.Call):
            continue
        name = ast.unparse(node.func)
        given = {
            keyword.arg: keyword.value.value
            for keyword in node.keywords
            if isinstance(keyword.value, ast.Constant)
        }
        if given.get("shell") or given.get("trust_remote_code") or given.get("allow_pickle"):
            yield ast.unparse(node)
        if name in CALLS:
            allowed = CALLS[name]
            if allowed is None or given.get(allowed[0], "absent") is not allowed[1]:
                yield ast.unparse(node)
        elif name.endswith(".load_extension"):
            yield ast.unparse(node)


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(ROOT)))
def test_no_file_imports_or_calls_what_executes_data(path: Path) -> None:
    module = tree(path)
    assert not set(imports(module)) & EXECUTING
    known = KNOWN.get(path.relative_to(ROOT).as_posix(), [])
    assert list(unsafe_calls(module)) == known


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ("import pickle", True),
        ("from pickle import loads as harmless", True),
        ("def f():\n    import multiprocessing.pool", True),
        ("np.load(x)", True),
        ("np.load(x, allow_pickle=True)", True),
        ("np.load(x, allow_pickle=False)", False),
        ("torch.load(x, weights_only=True)", True),
        ("subprocess.run(x, shell=True)", True),
        ("AutoModel.from_pretrained(x, trust_remote_code=True)", True),
        ("model.eval()", False),
    ],
)
def test_the_rules_see_what_they_forbid(code: str, found: bool) -> None:
    module = ast.parse(code)
    assert bool(set(imports(module)) & EXECUTING or list(unsafe_calls(module))) is found


NO_PICKLE = """
import pickle, sys
import _pickle

def refuse(*args, **options):
    raise SystemExit("pickle was loaded")

class Refusing:
    __init__ = refuse

for module in (pickle, _pickle):
    for name in ("load", "loads"):
        setattr(module, name, refuse)
    module.Unpickler = Refusing
pickle._Unpickler = Refusing
pickle._load = pickle._loads = refuse

from lexsearch.cli import main
photos, db, picture = sys.argv[1:]
assert main(["index", photos, "--db", db, "--exclude", "scene_[1-9]*"]) == 0
for words in (
    ["search", "a dog", "--explain"], ["like", picture], ["explain", "a dog", picture],
    ["words", picture], ["dups"], ["status"], ["errors"], ["check", "--read-data"], ["doctor"],
):
    code = main([*words, *([] if words == ["doctor"] else ["--db", db])])
    assert code in (0, 1), (words, code)
try:
    pickle.loads(pickle.dumps(1))
except SystemExit:
    print("no pickle was loaded")
"""


def test_a_whole_use_of_the_program_unpickles_nothing(tmp_path: Path) -> None:
    photos = ROOT / "sample_corpus" / "images"
    picture = next(photos.glob("scene_0*.jpg"))
    run = subprocess.run(
        [sys.executable, "-c", NO_PICKLE, photos, tmp_path / "db", picture],
        capture_output=True,
        text=True,
        check=False,
        env={
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "LEXSEARCH_DATA_DIR": str(tmp_path / "data"),
            "LEXSEARCH_CACHE_DIR": str(tmp_path / "cache"),
        },
    )
    assert run.returncode == 0, run.stderr
    assert run.stdout.endswith("no pickle was loaded\n")


def test_the_bundled_model_reaches_a_parser_only_through_its_verified_bytes() -> None:
    module = tree(ROOT / "lexsearch" / "encoders" / "_mini_session.py")
    parsers = {"Tokenizer.from_buffer", "load_tensors", "onnxruntime.InferenceSession"}
    seen = {ast.unparse(node.func) for node in ast.walk(module) if isinstance(node, ast.Call)}
    assert parsers <= seen
    by_path = {"Tokenizer.from_file", "load_file", "safe_open"}
    assert not by_path & seen
    reads = [name for name in seen if name.endswith((".read_bytes", "open"))]
    assert reads == []
    assert any(name.endswith("_files.read") for name in seen)


def test_a_changed_model_is_refused_before_anything_parses_it(tmp_path: Path) -> None:
    import shutil

    from lexsearch.encoders._mini_session import MiniModel
    from lexsearch.errors import ModelMissing
    from lexsearch.models.files import FOLDER, bundled
    from lexsearch.types import PixelSpec

    shutil.copytree(FOLDER / "mini", tmp_path / "mini")
    for name in ("image.onnx", "text.onnx"):
        (tmp_path / "mini" / name).write_bytes(b"not a graph at all")
    model = MiniModel(bundled("mini", folder=tmp_path))
    with pytest.raises(ModelMissing, match=r"text\.onnx has sha256 .* expected"):
        model.encode_texts(["a dog"])
    assert isinstance(model.pixel_spec, PixelSpec)


def test_the_rules_of_ruff_against_insecure_code_are_on() -> None:
    import tomllib

    lint = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["ruff"][
        "lint"
    ]
    assert "S" in lint["select"]
    assert {rule for rule in lint["ignore"] if rule.startswith("S")} == {"S101"}
    lifted = {
        place: [rule for rule in rules if rule.startswith("S")]
        for place, rules in lint["per-file-ignores"].items()
        if place.startswith(("lexsearch", "indexer", "ui", "migrations"))
    }
    assert {place: rules for place, rules in lifted.items() if rules} == {
        "lexsearch/training/**": ["S311"]
    }
