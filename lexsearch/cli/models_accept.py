"""`lexsearch models accept`: whether a TULIP is read with the theta it was trained with."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from lexsearch.cli.eval_options import captions_option, images_option
from lexsearch.cli.options import json_option, print_json
from lexsearch.cli.terminal import safe, table
from lexsearch.errors import UsageError

if TYPE_CHECKING:
    from lexsearch.encoders._acceptance import Verdict
    from lexsearch.types import PixelArray, PixelSpec


@click.command("accept")
@click.argument("name")
@images_option
@captions_option
@click.option("--device", default="auto", show_default=True, help="Where to compute.")
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="Use the first N captions.")
@json_option
def accept(
    name: str, images: str, captions_file: str, device: str, limit: int | None, as_json: bool
) -> None:
    """Try a TULIP with every theta and activation that come into question.

    No file of a TULIP says with which it was trained, and a wrong one gives worse vectors without
    a word. NAME is tulip-b16, tulip-l14 or tulip:FOLDER, with the options to try behind it. Some
    500 captions up to 77 tokens and as many longer ones tell the settings apart. Exit code 6 when
    another setting is clearly better.

    \b
    Example:
      lexsearch models accept tulip:./weights?theta=206278.42 --images photos/ --captions c.tsv
    """
    from lexsearch.encoders._acceptance import accept_tulip, to_json
    from lexsearch.evaluation.retrieval import read_captions
    from lexsearch.models.hub import resolve
    from lexsearch.registry import model_set

    family, given = model_set(name)
    if family != "tulip" or "source" not in given:
        raise UsageError(f"{name!r} is no TULIP; expected tulip-b16, tulip-l14 or tulip:FOLDER")
    folder = Path(images)
    if not folder.is_dir():
        raise UsageError(f"no such folder: {images}")
    captions = read_captions(Path(captions_file), limit=limit)
    files = list(dict.fromkeys(one.file for one in captions))
    numbers = {file: i for i, file in enumerate(files)}
    options = {k: v for k, v in given.items() if k not in ("source", "name")}
    verdict = accept_tulip(
        resolve(given["source"]),
        [one.text for one in captions],
        [numbers[one.file] for one in captions],
        lambda spec: load_all([folder / file for file in files], spec),
        device=device,
        **options,
    )
    if as_json:
        print_json({"schema": 1, "model": name, **to_json(verdict)})
    else:
        click.echo("\n".join(lines(verdict)))
    verdict.demand(name)


def load_all(paths: list[Path], spec: PixelSpec) -> PixelArray:
    """Pixels of all pictures, uint8 (n, height, width, 3)."""
    import numpy as np

    from lexsearch.pictures import load_pixels

    return np.stack([load_pixels(path, spec) for path in paths])


def lines(verdict: Verdict) -> list[str]:
    """The verdict for people: a line for every setting, best first, then what it means."""
    rows = [("setting", "R@1", "RR", "")]
    for one in verdict.trials:
        mark = "given" if one is verdict.given else ""
        rows.append((one.setting.options(), f"{one.recall_at_1:.1%}", f"{one.mrr:.4f}", mark))
    out = table(rows)
    clear = "; theta is clear, the activations are not" if verdict.theta_is_clear else ""
    count, others = len(verdict.given.reciprocal_ranks), len(verdict.rivals)
    said = {
        "accepted": "accepted: what was given is clearly better than every other setting",
        "undecided": f"undecided: {others} other settings are not clearly worse{clear}",
        "refused": f"refused: {others} other settings are clearly better",
    }[verdict.status]
    out += ["", safe(f"{count:,} captions, {verdict.long_texts:,} of more than 77 tokens; {said}")]
    if not verdict.long_texts:
        out.append("give longer captions too: short ones tell thetas apart badly")
    return out
