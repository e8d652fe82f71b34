"""`lexsearch train`: makes the bundled model anew, or trains the papers' models on large towers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lexsearch.errors import ModelMissing, UsageError

if TYPE_CHECKING:
    from lexsearch.training.large.config import LoopConfig
    from lexsearch.training.large.loop import Run

FOLDER = click.Path(path_type=Path, file_okay=False)
CONFIGS = Path(__file__).parent / "configs"


@click.group()
def command() -> None:
    """Train models. Needs the extra: pip install 'lexsearch[train]'."""


def mini_options(function: Callable[..., None]) -> Callable[..., None]:
    """Options that the bundled model's commands share."""
    options = (
        click.option(
            "--config",
            type=click.Path(path_type=Path, exists=True),
            default=CONFIGS / "mini.toml",
            help="The recipe (TOML).",
        ),
        click.option(
            "--data", type=FOLDER, required=True, help="Folder with photos/, text/, weights/."
        ),
        click.option(
            "--scenes", type=FOLDER, help="Rendered scenes (sample_corpus/render.py --out)."
        ),
        click.option(
            "--out", type=FOLDER, required=True, help="Checkpoints; the model in OUT/model."
        ),
        click.option(
            "--wordnet",
            type=FOLDER,
            default=Path("/usr/share/wordnet"),
            help="WordNet's noun files.",
        ),
    )
    for option in reversed(options):
        function = option(function)
    return function


@command.command()
@mini_options
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


@command.command()
@mini_options
@click.option("--steps", type=click.IntRange(min=1), default=100, help="Of every short run.")
def ablations(
    config: Path, data: Path, scenes: Path | None, out: Path, wordnet: Path, steps: int
) -> None:
    """Measure what parts of the bundled model's recipe are worth; run again to resume.

    Short runs that differ in one setting each, from the text stage that is in OUT.

    Example: lexsearch train ablations --data DATA --scenes SCENES --out runs/mini
    """
    from lexsearch.training.ablations import run_ablations
    from lexsearch.training.config import load_config
    from lexsearch.training.mini import Places

    places = Places(data, scenes, out, wordnet)
    found = run_ablations(places, load_config(config), steps=steps, say=click.echo)
    click.echo(f"results in {found}")


def large_options(default: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """The options that the papers' recipes share; default: name of the shipped configuration."""
    options = [
        click.option(
            "--config",
            type=click.Path(path_type=Path),
            default=CONFIGS / default,
            help=f"TOML file; without it, the paper's ({default}).",
        ),
        click.option("--data", type=FOLDER, help="Folder with images/ and captions.tsv."),
        click.option("--out", type=FOLDER, help="Checkpoints; the model in OUT/model."),
        click.option("--device", default="cpu", help="cpu, cuda, cuda:1"),
        click.option("--seed", type=int, help="Overrides the config's."),
        click.option("--steps", type=int, help="Overrides the config's."),
        click.option(
            "--dry-run", is_flag=True, help="Say what would be trained; loads no weights."
        ),
    ]

    def decorate(function: Callable[..., None]) -> Callable[..., None]:
        for option in reversed(options):
            function = option(function)
        return function

    return decorate


@command.command()
@large_options("lexvla.toml")
def lexvla(**options: Any) -> None:
    """Train LexVLA on DINOv2 and a language model; run again to resume.

    Example: lexsearch train lexvla --config lexvla.toml --data PAIRS --out runs/lexvla
    """
    with_large("LexVlaConfig", options, "lexvla")


@command.command()
@large_options("tulip.toml")
def tulip(**options: Any) -> None:
    """Train TULIP, a CLIP for long texts; run again to resume.

    Example: lexsearch train tulip --config tulip.toml --data PAIRS --out runs/tulip
    """
    with_large("TulipConfig", options, "tulip")


@command.command()
@large_options("filip.toml")
def filip(**options: Any) -> None:
    """Train FILIP, token-wise matching; run again to resume.

    Example: lexsearch train filip --config filip.toml --data PAIRS --out runs/filip
    """
    with_large("FilipConfig", options, "filip")


def with_large(kind: str, options: dict[str, Any], name: str) -> None:
    """Run a recipe of lexsearch.training.large, or describe it.

    Raises:
        UsageError: --data or --out is missing, or the configuration is not usable.
        ModelMissing: a package of the extra or a backbone is not there.
    """
    try:
        import importlib

        from lexsearch.training.large import config as configs
        from lexsearch.training.large.loop import Run, device_named

        module = importlib.import_module(f"lexsearch.training.large.{name}")
        from lexsearch.training.large.describe import describe
    except ModuleNotFoundError as error:
        raise ModelMissing(
            f"{error.name} is not installed; get it with: pip install 'lexsearch[train]'"
        ) from error
    overrides = {key: options[key] for key in ("seed", "steps")}
    recipe: LoopConfig = configs.load_recipe(options["config"], getattr(configs, kind), overrides)
    if options["dry_run"]:
        click.echo(describe(recipe))
        return
    for key in ("data", "out"):
        if options[key] is None:
            raise UsageError(f"--{key} is missing; only --dry-run does without it")
    run = Run(options["out"], device_named(options["device"]), click.echo)
    work: Callable[[Any, Path, Run], Path] = getattr(module, f"run_{name}")
    click.echo(f"model: {work(recipe, options['data'], run)}")
