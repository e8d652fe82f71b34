"""Damage: one file of a finished index is flipped, cut, zeroed, swapped, emptied or lost. Rules: a
search answers as before or fails with one line that names the damage; check sees it unless it
is harmless; repair and the next run bring back the clean answers and encode only what was set
aside; no traceback, no crash. The commands run in forks of this process."""

from __future__ import annotations

import collections
import random
import shutil
from pathlib import Path

from hlib import finish, num, parser
from outlived import ForkedSystem

KINDS = ("flip1", "flip4", "page", "cut", "longer", "swap", "empty", "gone")
args = parser(__doc__).parse_args()
system = ForkedSystem(args)
reference, want, clean = system.reference()
total = num(args.encoded_re, clean.out + clean.err)
rng = random.Random(args.seed)
tally: collections.Counter[str] = collections.Counter()
bad = []
NAMES = ("FORMAT.json", "catalog.sqlite", "seg.json", "ids.lxi", "lexical.lxs", "dense.lxd",
         "tokens.lxt")  # fmt: skip


def files_of(index: Path) -> dict[str, list[Path]]:
    """Paths by name."""
    found: dict[str, list[Path]] = {}
    for path in index.rglob("*"):
        if path.name in NAMES or path.suffix in (".faiss", ".lxv"):
            found.setdefault(path.name, []).append(path)
    return {name: sorted(paths) for name, paths in sorted(found.items())}


def damage(path: Path, others: list[Path], how: str) -> None:
    data = bytearray(path.read_bytes())
    if how in ("flip1", "flip4"):
        for _ in range(1 if how == "flip1" else 4):
            data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    elif how == "page":
        start = rng.randrange(max(1, len(data) // 4096)) * 4096
        data[start : start + 4096] = bytes(len(data[start : start + 4096]))
    elif how == "cut":
        del data[rng.randrange(len(data)) :]
    elif how == "longer":
        data += rng.randbytes(rng.randint(1, 5000))
    elif how == "swap":
        other = rng.choice([one for one in others if one != path] or [path])
        data = bytearray(other.read_bytes())
    elif how == "empty":
        data.clear()
    path.unlink()
    if how != "gone":
        path.write_bytes(data)


trials = [(name, how) for how in KINDS for name in files_of(Path(reference))]
rng.shuffle(trials)
for trial in range(args.trials):
    name, how = trials[trial % len(trials)]
    index = Path(system.work) / "d"
    shutil.rmtree(index, ignore_errors=True)
    shutil.copytree(reference, index)
    paths = files_of(index)[name]
    target = rng.choice(paths)
    before = target.read_bytes()
    damage(target, paths, how)
    same = target.exists() and target.read_bytes() == before
    why = []
    kind, digest = system.answer(str(index))
    checked = system.check(str(index))
    seen = checked.rc == 4
    if kind == "BAD" or checked.crash or checked.trace:
        why.append(f"search {kind} {digest}; check rc={checked.rc}")
    if kind == "ok" and digest != want:
        why.append("a wrong answer")
    if not seen and not same:
        # a byte of the catalog that nothing reads may change unseen; nothing else may
        if name != "catalog.sqlite" or (kind, digest) != ("ok", want):
            why.append(f"check rc={checked.rc} does not see it: {checked.out[-100:]}")
        tally["harmless"] += 1
    text = checked.out + checked.err
    if seen and name not in text and target.parent.name not in text:
        why.append(f"check does not name it: {text[-160:]}")
    mended = system.run(system.argv(args.repair_cmd, str(index)))
    again = system.index(str(index))
    encoded = num(args.encoded_re, again.out + again.err)
    lost = {"FORMAT.json": 0, "catalog.sqlite": 0}.get(name, 16)
    if again.rc or system.answer(str(index)) != ("ok", want) or system.check(str(index)).rc:
        why.append(f"after repair rc={mended.rc} {mended.err[-160:]}; index rc={again.rc}")
    elif encoded is not None and encoded > lost:
        why.append(f"{encoded} of {total} were encoded again for one damaged {name}")
    tally["bad" if why else "ok"] += 1
    tally["seen"] += seen
    if why:
        bad.append((trial, name, how, why))
finish("bitflip", tally, bad, args)
