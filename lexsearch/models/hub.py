"""Checkpoints of the Hugging Face hub: where they lie in its cache, and how they come and go.

Nothing is downloaded unless `pull` or `resolve(..., download=True)` is called, and nothing is kept
outside the cache of Hugging Face (HF_HOME), which other programs share.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from lexsearch.errors import ModelMissing

HUB_ID = re.compile(r"[\w.-]+/[\w.-]+")
TABLES = ("*.json", "*.txt", "*.model", "tokenizer*")
_SHA256, _SHA1 = re.compile(r"[0-9a-f]{64}"), re.compile(r"[0-9a-f]{40}")
ENDINGS = (".safetensors", ".bin", ".pt", ".pth", ".ckpt")
CHUNK = 1 << 20


def _library() -> Any:
    try:
        import huggingface_hub
        import huggingface_hub.constants  # the package loads its parts lazily
    except ModuleNotFoundError as error:
        raise ModelMissing(
            "models of the hub need the package 'huggingface_hub', which is not installed; "
            "install it with: pip install 'lexsearch[models]'"
        ) from error
    return huggingface_hub


def is_hub_id(name: str) -> bool:
    """Whether a name could be one of the hub: two parts, and no folder of that name is here."""
    return bool(HUB_ID.fullmatch(name)) and not Path(name).exists()


def resolve(name: str, *, download: bool = False, weights: bool = True) -> Path:
    """The folder or file behind a path or a hub id.

    Args:
        name: a path, or a hub id such as `openai/clip-vit-base-patch32`.
        download: fetch what the cache lacks.
        weights: all files are wanted; false = only the small ones that describe the model.

    Raises:
        ModelMissing: no such path, not in the cache, or the hub cannot be reached; the message
            has the command that fetches it.
    """
    path = Path(name).expanduser()
    if path.exists():
        return path
    if not HUB_ID.fullmatch(name):
        raise ModelMissing(
            f"there is no folder or file {name!r}; name one, or a hub id such as ORGANISATION/MODEL"
        )
    try:
        found = Path(_library().snapshot_download(name, local_files_only=True))
    except (OSError, ValueError) as error:
        if download:
            return pull(name, weights=weights)
        raise ModelMissing(
            f"{name} is not in the Hugging Face cache; get it with: lexsearch models pull {name}"
        ) from error
    if weights and download and not any(_weights(p.name for p in found.rglob("*"))):
        return pull(name)
    return found


def pull(name: str, *, weights: bool = True) -> Path:
    """Fetch a model of the hub into the cache of Hugging Face; a part that is there stays.

    Where a model has both, safetensors are taken and pickles left.

    Raises:
        ModelMissing: no network, no such model, or its licence was not accepted.
    """
    hub = _library()
    try:
        names: list[str] = list(hub.HfApi().list_repo_files(name))
        wanted = [*TABLES, *(_weights(names) if weights else ())]
        return Path(hub.snapshot_download(name, allow_patterns=wanted))
    except Exception as error:  # the client raises errors of whatever carries it
        raise ModelMissing(f"{name} could not be fetched: {_reason(error)}") from error


def _weights(names: Iterable[str]) -> list[str]:
    """The files of weights to take from a listing: safetensors at the top, else pickles."""
    every = list(names)
    top = [name for name in every if "/" not in name]
    if not any(name.endswith(ENDINGS) for name in top):
        top = every
    for endings in ((".safetensors",), (".bin",), (".pt", ".pth", ".ckpt")):
        found = [name for name in top if name.endswith(endings) and "training" not in name]
        if found:
            return found
    return []


def _reason(error: Exception) -> str:
    kind = type(error).__name__
    if kind in ("OfflineModeIsEnabled",):
        return "HF_HUB_OFFLINE forbids the network; unset it, or copy the folder here and name it"
    if kind in ("GatedRepoError",):
        return "its licence must be accepted on its page of the hub, and HF_TOKEN be set"
    if kind in ("RepositoryNotFoundError", "HfHubHTTPError"):
        return f"the hub says: {_first(error)}"
    return f"no network or no hub ({kind}: {_first(error)}); an existing folder works without one"


def _first(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


class Cached(NamedTuple):
    """A model in the cache: its hub id, its bytes on disk, its newest folder."""

    name: str
    size_bytes: int
    folder: Path


def cached() -> list[Cached]:
    """What the cache holds, by name; empty without a cache or without the hub's package."""
    try:
        hub = _library()
    except ModelMissing:
        return []
    try:
        info = hub.scan_cache_dir(hub.constants.HF_HUB_CACHE)
    except hub.CacheNotFound:
        return []
    found = []
    for repo in info.repos:
        if repo.repo_type == "model" and repo.revisions:
            newest = max(repo.revisions, key=lambda one: one.last_modified)
            found.append(Cached(repo.repo_id, repo.size_on_disk, Path(newest.snapshot_path)))
    return sorted(found)


def remove(name: str) -> int:
    """Take a model out of the cache; returns the bytes that were freed.

    Raises:
        ModelMissing: it is not in the cache.
    """
    hub = _library()
    try:
        info = hub.scan_cache_dir(hub.constants.HF_HUB_CACHE)
    except hub.CacheNotFound:
        info = None
    hashes = [
        revision.commit_hash
        for repo in (info.repos if info else ())
        if repo.repo_id == name and repo.repo_type == "model"
        for revision in repo.revisions
    ]
    if not hashes:
        raise ModelMissing(
            f"{name} is not in the Hugging Face cache, so there is nothing to remove"
        )
    assert info is not None
    plan = info.delete_revisions(*hashes)
    plan.execute()
    return int(plan.expected_freed_size)


def verify(folder: Path, *, say: Callable[[str], None] = lambda _: None) -> Iterator[str]:
    """A sentence for every file of a cached model that is not what the hub sent.

    The cache names files by their hashes: sha256, or that of a git blob for small ones.
    """
    for path in sorted(folder.rglob("*")):
        blob = path.resolve()
        if path.is_dir():
            continue
        if not blob.is_file():
            yield f"{path} is missing; get it again with: lexsearch models pull"
            continue
        say(path.name)
        found = _hash(blob)
        if found is not None and found != blob.name:
            yield (
                f"{path} has the hash {found}, expected {blob.name}; "
                "remove the model and pull it again"
            )


def _hash(blob: Path) -> str | None:
    if _SHA256.fullmatch(blob.name):
        digest = hashlib.sha256()
    elif _SHA1.fullmatch(blob.name):
        digest = hashlib.sha1(usedforsecurity=False)
        digest.update(f"blob {blob.stat().st_size}\0".encode())
    else:
        return None
    with blob.open("rb") as stream:
        while chunk := stream.read(CHUNK):
            digest.update(chunk)
    return digest.hexdigest()
