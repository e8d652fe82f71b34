"""Late interaction over chosen images: the ten best, against matrix products in float32.

python -m benchmarks.bench_maxsim [--images 1000] [--tokens 196] [--dim 256] [--query 32]
    [--kernel onnx] [--peers torch,numpy] [--runs 30] [--json] [--save]

Everybody runs on one thread and takes turns in one process. Ours reads int8 tokens from a segment
of four times as many images; the peers have theirs in memory as float32. The tokens are made as
photos make them: `objects` 6 per image, each token an object plus noise; a query token is an
object of one image plus noise. `random` is the same job on tokens without any structure, the
worst case of the bound. Also measured: every score and not just the ten best (`scores`), and the
shape of the bundled model (49 x 128). The floor is the same number of multiplications at the rate
of a large plain integer product.
"""

from __future__ import annotations

import argparse
import json
from typing import Any

import numpy as np

from benchmarks.record import lower_bound, save, shaped
from benchmarks.timing import by_turns, on_one_thread, percentiles
from lexsearch.ranking.maxsim import mean_max_similarities
from lexsearch.registry import build
from lexsearch.stores.segment_data import token_sections, token_vectors
from lexsearch.types import FloatArray, TokenVectors

TOP, DEEP, QUERIES, SEGMENT = 10, 100, 8, 4
PEERS = ("torch", "numpy")
SCALE = 0.417


def unit(rows: np.ndarray) -> FloatArray:
    return (rows / np.linalg.norm(rows, axis=-1, keepdims=True)).astype(np.float32)


def photos(
    rng: np.random.Generator, images: int, tokens: int, dim: int, query: int, objects: int
) -> tuple[FloatArray, FloatArray]:
    """Tokens (images * tokens, dim) and queries (QUERIES, query, dim), unit rows."""
    if not objects:
        values = rng.normal(size=(images * tokens, dim))
        return unit(values), unit(rng.normal(size=(QUERIES, query, dim)))
    concepts = unit(rng.normal(size=(2_000, dim)))
    held = rng.integers(0, len(concepts), (images, objects))
    shown = np.take_along_axis(held, rng.integers(0, objects, (images, tokens)), axis=1)
    noise = rng.normal(size=(images, tokens, dim)) / dim**0.5
    asked = held[rng.integers(0, images, QUERIES)]
    asked = np.take_along_axis(asked, rng.integers(0, objects, (QUERIES, query)), axis=1)
    blur = rng.normal(size=(QUERIES, query, dim)) / dim**0.5
    values = unit(concepts[shown] + 0.7 * noise).reshape(images * tokens, dim)
    return values, unit(concepts[asked] + 0.9 * blur)


def case(
    shape: dict[str, int], kernel: str, runs: int, names: list[str], *, objects: int = 6
) -> dict[str, Any]:
    """Milliseconds of ours and of the peers on one shape."""
    rng = np.random.default_rng(0)
    images, tokens, dim = shape["images"], shape["tokens"], shape["dim"]
    held = SEGMENT * images
    values, queries = photos(rng, held, tokens, dim, shape["query"], objects)
    arrays = token_sections(TokenVectors(values, np.arange(held + 1) * tokens), scale=SCALE)
    del values
    store = build("stores.tokens", "memmap", dim=dim, scale=SCALE, kernel=kernel)
    store.attach(np.arange(held), arrays)
    ids = np.sort(rng.permutation(held)[:images])
    floats = store.vectors(ids).values
    asked = [TokenVectors(q, np.array([0, len(q)])) for q in queries]

    def by_numpy(run: int, top: int = TOP) -> Any:
        products = queries[run % QUERIES] @ floats.T
        scores = products.reshape(-1, images, tokens).max(axis=-1).mean(axis=0)
        return np.argsort(-scores, kind="stable")[:top]

    peers = {"numpy": by_numpy} if "numpy" in names else {}
    if "torch" in names:
        peers["torch"] = by_torch(queries, floats, images)
    jobs = {
        "ours": lambda run: store.best(asked[run % QUERIES], ids, TOP),
        "scores": lambda run: store.score(asked[run % QUERIES], ids),
        **peers,
        "int8 product": integer_product(kernel),
    }
    times = by_turns(jobs, runs)
    stored = token_vectors(
        {"values": (floats * (127 / SCALE)).round().astype(np.int8),
         "offsets": np.arange(images + 1) * tokens}, SCALE,
    )  # fmt: skip
    deep = min(DEEP, images)
    equal: dict[str, list[bool]] = {name: [] for name in ("ours", *peers)}
    shared: dict[str, list[float]] = {name: [] for name in ("ours", *peers)}
    for i in range(QUERIES):
        exact = mean_max_similarities(queries[i], stored.values, stored.offsets)
        wanted = np.lexsort((ids, -exact))[:deep]
        found = {name: peer(i, deep) for name, peer in peers.items()}
        found["ours"] = np.searchsorted(ids, store.best(asked[i], ids, deep).ids)
        for name, best in found.items():
            equal[name].append(best[:TOP].tolist() == wanted[:TOP].tolist())
            shared[name].append(len(np.intersect1d(best, wanted)) / deep)
    ours_p50 = percentiles(times["ours"][1])["p50"]
    work = images * tokens * dim * shape["query"]
    least = percentiles(times["int8 product"][1])["p50"] * work / PLAIN_WORK
    return shaped(
        images,
        percentiles(times["ours"][0]),
        {
            name: {
                "ms": percentiles(times[name][0]),
                "cpu_ms": percentiles(times[name][1]),
                "ratio": round(percentiles(times[name][1])["p50"] / ours_p50, 2),
                "ratio of all scores": round(
                    percentiles(times[name][1])["p50"] / percentiles(times["scores"][1])["p50"], 2
                ),
                "top10 equal": all(equal[name]),
                "recall@100": round(float(np.mean(shared[name])), 4),
            }
            for name in peers
        },
        recall=round(float(np.mean(shared["ours"])), 4),
        floor=lower_bound(least, {"p50": ours_p50}, "as many int8 products; processor time"),
        **{name: size for name, size in shape.items() if name != "images"},
        kernel=store._screen.kernel.name,
        cpu_ms=percentiles(times["ours"][1]),
        scores_ms=percentiles(times["scores"][0]),
        **{"top10 equal to the oracle": all(equal["ours"])},
    )


def by_torch(queries: FloatArray, floats: FloatArray, images: int) -> Any:
    """The formula of late interaction in torch, float32: a job that gives the best places."""
    import torch

    torch.set_num_threads(1)
    tensor = torch.from_numpy(floats)

    def best(run: int, top: int = TOP) -> Any:
        products = torch.from_numpy(queries[run % QUERIES]) @ tensor.T
        scores = products.view(len(products), images, -1).amax(-1).mean(0)
        return scores.topk(top).indices.numpy()

    return best


# Tokens x dim x query tokens of the plain product that the floor is taken from.
PLAIN = (4_096, 1_024, 512)
PLAIN_WORK = PLAIN[0] * PLAIN[1] * PLAIN[2]


def integer_product(kernel: str) -> Any:
    """A large integer product by the library under the kernel, one call per run."""
    rng = np.random.default_rng(1)
    tokens, dim, query = PLAIN
    right = rng.integers(-127, 128, (dim, query)).astype(np.int8)
    if kernel == "torch":
        import torch

        one = torch.from_numpy(rng.integers(-127, 128, (tokens, dim)).astype(np.int8))
        other = torch.from_numpy(right)
        return lambda run: torch._int_mm(one, other)
    from lexsearch.stores.tokens._kernel_onnx import _graph, _session

    session = _session(_graph(1, reduces=False))
    left = rng.integers(0, 256, (tokens, dim)).astype(np.uint8)
    return lambda run: session.run(None, {"images": left, "query_0": right})


def main(arguments: list[str] | None = None) -> dict[str, Any]:
    """Measure, print, and save when asked."""
    on_one_thread("benchmarks.bench_maxsim", arguments)
    parser = argparse.ArgumentParser(description=__doc__)
    for name, default in (("images", 1000), ("tokens", 196), ("dim", 256), ("query", 32)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--kernel", default="onnx", choices=["onnx", "torch", "numpy"])
    parser.add_argument("--peers", default=",".join(PEERS), help="names, separated by commas")
    parser.add_argument("--runs", type=int, default=30)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--save", action="store_true")
    options = parser.parse_args(arguments)
    names = [name for name in options.peers.split(",") if name]
    if unknown := sorted(set(names) - set(PEERS)):
        parser.error(f"no peer is called {unknown[0]!r}; known: {', '.join(PEERS)}")
    shape = {name: getattr(options, name) for name in ("images", "tokens", "dim", "query")}
    bundled = shape | {"tokens": 49, "dim": 128}
    figures = case(shape, options.kernel, options.runs, names)
    figures["random"] = case(shape, options.kernel, max(5, options.runs // 3), names, objects=0)
    figures["bundled"] = case(bundled, options.kernel, options.runs, names)
    figures["bundled random"] = case(bundled, options.kernel, options.runs, names, objects=0)
    if options.save:
        save("bench_maxsim" + ("" if options.kernel == "onnx" else f"_{options.kernel}"), figures)
    if options.json:
        print(json.dumps(figures))
        return figures
    for name in ("", "random", "bundled", "bundled random"):
        row = figures[name] if name else figures
        ratios = {peer: value["ratio"] for peer, value in row["peers"].items()}
        print(
            f"maxsim {name or 'photos':15} {row['images']} x {row['tokens']} x {row['dim']}: "
            f"{row['cpu_ms']} ms, peers over ours {ratios}, "
            f"share of the int8 floor {row['floor']['share']}"
        )
    return figures


if __name__ == "__main__":
    main()
