"""Weights of published checkpoints: read without running code, and loaded with a strict report."""

from __future__ import annotations

import hashlib
import json
import re
import zipfile
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from lexsearch.errors import ModelMissing

# Names of weights in a folder, in the order in which they are looked for.
NAMES = (
    "model.safetensors", "model.safetensors.index.json", "open_clip_model.safetensors",
    "pytorch_model.bin", "pytorch_model.bin.index.json", "open_clip_pytorch_model.bin",
)  # fmt: skip
SUFFIXES = (".safetensors", ".pt", ".pth", ".bin", ".ckpt", ".tar")
# Tables that old files carry and no network reads.
TABLES = re.compile(
    r"(^|\.)(position_ids|attn_mask|rotary_emb\.inv_freq|attn\.bias|attn\.masked_bias"
    r"|attention\.bias|attention\.masked_bias|num_batches_tracked"
    r"|input_resolution|context_length|vocab_size)$"
)
INNER = ("state_dict", "model")  # where training scripts keep the weights in a checkpoint
_SHA256 = re.compile(r"[0-9a-f]{64}")
SHOWN = 6


def weights_files(source: Path) -> list[Path]:
    """The files that hold the weights of a folder; a file is its own answer.

    Raises:
        ModelMissing: there is none, or several and none of a known name.
    """
    if source.is_file():
        return [source]
    for name in NAMES:
        if not (source / name).is_file():
            continue
        if not name.endswith(".index.json"):
            return [source / name]
        table = _json(source / name)["weight_map"]
        return [source / part for part in sorted(set(table.values()))]
    found = sorted(
        p for p in source.glob("*") if p.suffix in SUFFIXES and p.name != "training_args.bin"
    )
    if len(found) == 1:
        return found
    said = ", ".join(p.name for p in found) or "no file of weights"
    raise ModelMissing(
        f"{source} holds {said}; expected {NAMES[0]} or one other file of weights; "
        "name the file itself if there are several"
    )


def file_named(source: Path, part: str) -> Path:
    """The one file of weights below a folder whose name holds `part`, punctuation left out.

    Raises:
        ModelMissing: there is none, or several.
    """
    if source.is_file():
        return source
    files = sorted(p for p in source.rglob("*") if p.suffix in SUFFIXES)
    found = [p for p in files if part in re.sub("[^a-z0-9]", "", p.name.lower())]
    if len(found) != 1:
        names = ", ".join(p.name for p in files) or "no file of weights"
        raise ModelMissing(f"{len(found)} files in {source} are for {part!r}; it holds {names}")
    return found[0]


def read_weights(source: Path) -> dict[str, Tensor]:
    """All tensors of a checkpoint on the processor, `module.` taken from their names.

    Nothing in a file is run: safetensors, or pickles of plain tensors.

    Raises:
        ModelMissing: a file is missing, truncated, damaged, or wants to run code.
    """
    state: dict[str, Tensor] = {}
    for path in weights_files(source):
        state.update(_read_file(path))
    return {name.replace("module.", ""): value for name, value in state.items()}


def _read_file(path: Path) -> dict[str, Tensor]:
    if not path.is_file():
        raise ModelMissing(f"{path} is missing; {_again(path)}")
    try:
        if path.suffix == ".safetensors":
            return dict(load_file(str(path)))
        loaded = torch.load(path, map_location="cpu", weights_only=True)
    except (SafetensorError, EOFError, zipfile.BadZipFile, OSError, ValueError) as error:
        raise _damaged(path, error) from error
    except Exception as error:  # a pickle that wants to run code raises what it likes
        raise _refused(path, error) from error
    for key in INNER:
        if isinstance(loaded, Mapping) and isinstance(loaded.get(key), Mapping):
            loaded = loaded[key]
    if not isinstance(loaded, Mapping):
        raise ModelMissing(f"{path} holds a {type(loaded).__name__}; expected named tensors")
    return {str(k): v for k, v in loaded.items() if isinstance(v, Tensor)}


def _damaged(path: Path, error: Exception) -> ModelMissing:
    size = path.stat().st_size
    first = (str(error).splitlines() or [type(error).__name__])[0]
    return ModelMissing(f"{path} is truncated or damaged ({size:,} bytes: {first}); {_again(path)}")


def _refused(path: Path, error: Exception) -> ModelMissing:
    text = str(error)
    if "TorchScript" in text or "torch.jit" in text:
        return ModelMissing(
            f"{path} is a TorchScript archive, which holds code; use the same model as "
            "safetensors, for example from the hub ids that `lexsearch models list` shows"
        )
    if "weights_only" in text or "Unsupported" in text:
        return ModelMissing(
            f"{path} is a pickle that wants to run code, which is refused; "
            "save its state_dict alone, or as safetensors"
        )
    return _damaged(path, error)


def _again(path: Path) -> str:
    return f"download {path.name} again (lexsearch models verify names what is ill)"


def load_strict(
    module: nn.Module, state: Mapping[str, Tensor], *, source: Path, aside: Collection[str] = ()
) -> None:
    """Put tensors into a module; every name and shape must fit. Floats become the module's dtype.

    aside: names that may be in the state and are not used. Known tables of old files may too.

    Raises:
        ModelMissing: names are missing or unexpected, or shapes differ; tells which.
    """
    own = module.state_dict()
    given = {k: v for k, v in state.items() if k in own or not (k in aside or TABLES.search(k))}
    batches = {k for k in own if k.endswith("num_batches_tracked")}
    problems = [
        *_list("missing", own.keys() - given.keys() - batches),
        *_list("unexpected", given.keys() - own.keys()),
        *_list(
            "of another shape",
            {
                f"{k} {list(given[k].shape)} for {list(own[k].shape)}"
                for k in own.keys() & given.keys()
                if own[k].shape != given[k].shape
            },
        ),
    ]
    if problems:
        raise ModelMissing(f"{source} does not fit: {'; '.join(problems)}")
    module.load_state_dict({**{k: own[k] for k in batches}, **given})


def _list(what: str, names: Collection[str]) -> list[str]:
    if not names:
        return []
    some = sorted(names)
    more = f" and {len(some) - SHOWN} more" if len(some) > SHOWN else ""
    return [f"{len(some)} {what} ({', '.join(some[:SHOWN])}{more})"]


def from_transformers(kind: Any, config: Any, state: Mapping[str, Tensor], **given: Any) -> Any:
    """A model of a class of transformers with exactly these tensors, in eval mode.

    Args:
        kind: the class.
        config: its configuration.
        state: tensors by the class's names, or those of its older files.
        given: source: for messages; aside: names that may be there and are not used; may_lack:
            names that may be missing; dtype.

    Raises:
        ModelMissing: names are missing or unexpected, or shapes differ; tells which.
    """
    source, aside = given.pop("source"), given.pop("aside", ())
    lacking = given.pop("may_lack", ())
    kept = {k: v for k, v in state.items() if k not in aside and not TABLES.search(k)}
    with quiet():
        model, info = kind.from_pretrained(
            None, config=config, state_dict=kept, output_loading_info=True,
            ignore_mismatched_sizes=True, **given,
        )  # fmt: skip
    missing = {k for k in info["missing_keys"] if not TABLES.search(k) and k not in lacking}
    shapes = {
        f"{name} {list(found)} for {list(own)}" for name, found, own in info["mismatched_keys"]
    }
    problems = [
        *_list("missing", missing),
        *_list("unexpected", info["unexpected_keys"]),
        *_list("of another shape", shapes),
    ]
    if problems:
        raise ModelMissing(f"{source} does not fit {kind.__name__}: {'; '.join(problems)}")
    return model.eval()


@contextmanager
def quiet() -> Iterator[None]:
    """transformers says nothing meanwhile: reports on weights are ours."""
    from transformers.utils import logging

    level, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(level)
        if bars:
            logging.enable_progress_bar()


def digest(source: Path) -> str:
    """Sixteen hex digits of the bytes of the weights.

    A file of the Hugging Face cache carries its sha256 as name, so it is not read again.
    """
    parts = []
    for path in weights_files(source):
        name = path.resolve().name
        if not _SHA256.fullmatch(name):
            with path.open("rb") as stream:
                name = hashlib.file_digest(stream, "sha256").hexdigest()
        parts.append(name)
    joined = parts[0] if len(parts) == 1 else hashlib.sha256(" ".join(parts).encode()).hexdigest()
    return joined[:16]


def read_json(path: Path) -> dict[str, Any]:
    """A JSON object beside weights; empty when the file is not there.

    Raises:
        ModelMissing: it is not valid.
    """
    return _json(path) if path.is_file() else {}


def _json(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ModelMissing(f"{path} is not valid JSON: {error}; {_again(path)}") from error
    if not isinstance(found, dict):
        raise ModelMissing(f"{path} holds a {type(found).__name__}; expected a JSON object")
    return found
