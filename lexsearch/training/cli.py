"""`lexsearch train`: makes the bundled model anew."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import click

FOLDER = click.Path(path_type=Path, file_okay=False)
DEFAULT_CONFIG = Path(__file__).parent / "configs" / "mini.toml"


@click.group()
def command() -> None:
    """Train models. Needs the extra: pip install 'lexsearch[train]'."""


@command.command()
@click.option("--config", type=click.Path(path_type=Path, exists=True), default=DEFAULT_CONFIG)
@click.option("--data", type=FOLDER, required=True, help="Folder with photos/, text/, weights/.")
@click.option("--scenes", type=FOLDER, help="Rendered scenes (sample_corpus/render.py --out).")
@click.option("--out", type=FOLDER, required=True, help="Checkpoints; the model in OUT/model.")
@click.option(
    "--wordnet", type=FOLDER, default=Path("/usr/share/wordnet"), help="WordNet's noun files."
)
@click.option("--seed", type=int, help="Overrides the config's.")
@click.option("--steps", type=int, help="Overrides the config's.")
@click.option("--device", default="cpu", help="Where features of photos are computed.")
@click.option("--dry-run", is_flag=True, help="Say what would be trained, and how large it is.")
def mini(
    config: Path,
    data: Path,
    scenes: Path | None,
    out: Path,
    wordnet: Path,
    seed: int | None,
    steps: int | None,
    device: str,
    dry_run: bool,
) -> None:
    """Train the bundled model; run again to resume.

    Example: lexsearch train mini --data DATA --scenes SCENES --out runs/mini
    """
    from lexsearch.training.config import load_config
    from lexsearch.training.estimate import describe
    from lexsearch.training.mini import Places, finish, run

    recipe = load_config(config)
    if seed is not None:
        recipe = replace(recipe, seed=seed)
    if steps is not None:
        recipe = replace(recipe, steps=steps)
    if dry_run:
        click.echo(describe(recipe))
        return
    places = Places(data, scenes, out, wordnet, device)
    prepared, model = run(places, recipe, say=click.echo)
    finish(places, recipe, prepared, model, say=click.echo)
