"""`lexsearch demo`: the sample pictures indexed, searched and explained, in one command."""

from __future__ import annotations

import os
import shlex
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from lexsearch.cli.explain import lines as explanation_lines
from lexsearch.cli.formats import reasons
from lexsearch.cli.options import load_settings
from lexsearch.cli.search import parse_weight
from lexsearch.cli.terminal import BOLD, CYAN, DIM, colour_wanted, pad, paint, safe
from lexsearch.errors import StorageError, UsageError

if TYPE_CHECKING:
    from lexsearch.api import LexSearch
    from lexsearch.results import SearchResults

FOLDER = Path("lexsearch-demo")
SHOWN = 3
TOP_WORDS = 6
PICTURES = (".jpg", ".jpeg", ".png", ".webp")


@dataclass(frozen=True, slots=True)
class Trial:
    """One search of the demo.

    Attributes:
        why: the rest of the headline `Search ...`.
        text: the query.
        weights: edited words, as `--weight` takes them.
    """

    why: str
    text: str
    weights: tuple[str, ...] = ()


TRIALS = (
    Trial("in your own words", "a yellow boat with ducks at sea"),
    Trial("without what you do not want", "animal -dog"),
    Trial("with words that you weigh yourself", "boat", ("boat=0.2", "lighthouse=3")),
)


@click.command("demo")
@click.option("--db", metavar="NAME|DIR", help="Index to use. Default: lexsearch-demo/index.")
def command(db: str | None) -> None:
    """Index the sample pictures, search them, and show why they were found.

    Takes seconds, needs no network, and writes only below lexsearch-demo/ in this folder.

    \b
    Example:
      lexsearch demo
    """
    pictures = corpus()
    target = db or str(FOLDER / "index")
    try:
        FOLDER.mkdir(exist_ok=True)
    except OSError as error:
        raise StorageError(f"cannot make the folder {FOLDER} here: {error}") from error
    Demo(pictures, target).run()


def corpus() -> Path:
    """The folder of the sample pictures: in the package, else beside it in a checkout.

    Raises:
        UsageError: there is none.
    """
    package = Path(__file__).resolve().parents[1]
    for place in (package / "_sample_corpus", package.parent / "sample_corpus"):
        for folder in (place / "images", place):
            if folder.is_dir() and any(p.suffix in PICTURES for p in folder.iterdir()):
                return folder
    raise UsageError(
        "this installation has no sample pictures; index your own: lexsearch index ~/Pictures"
    )


class Demo:
    """The steps of the demo over one index, printed as they happen."""

    def __init__(self, pictures: Path, target: str) -> None:
        self.pictures = pictures
        self.target = target
        self.colour = colour_wanted()
        self.step = 0

    def run(self) -> None:
        """All steps in order."""
        from lexsearch.api import LexSearch

        settings = load_settings(self.target)
        with LexSearch.create(settings.db, settings=settings) as index:
            self.index(index)
            first, *_ = [self.search(index, trial) for trial in TRIALS]
            self.like(index, first)
            self.explain(index, first)
        self.farewell()

    def title(self, text: str, *arguments: str) -> None:
        """A numbered headline, and the command that does the same."""
        self.step += 1
        click.echo(paint(f"{self.step}. {text}", BOLD, colour=self.colour))
        line = f"   $ lexsearch {shlex.join([*arguments, '--db', self.target])}"
        click.echo(paint(line, CYAN, colour=self.colour))

    def index(self, index: LexSearch) -> None:
        """Read the sample pictures."""
        self.title("Read the pictures", "index", self.shown(self.pictures))
        start = time.perf_counter()
        report = index.index(self.pictures)
        seconds = time.perf_counter() - start
        click.echo(
            f"   {len(index)} pictures in {seconds:.1f} s; {report.encoded} of them were new\n"
        )

    def search(self, index: LexSearch, trial: Trial) -> SearchResults:
        """One search by words, with the reasons of every hit."""
        from lexsearch.query import Query

        flags = [flag for weight in trial.weights for flag in ("--weight", weight)]
        self.title(f"Search {trial.why}", "search", trial.text, *flags, "-t", str(SHOWN))
        query = Query.parse(trial.text).with_(weights=dict(map(parse_weight, trial.weights)))
        results = index.search(query, top_k=SHOWN)
        self.hits(results)
        return results

    def like(self, index: LexSearch, first: SearchResults) -> None:
        """One search by a picture: the best hit of the first search."""
        picture = Path(os.fsdecode(first[0].raw_path))
        self.title("Search with a picture", "like", self.shown(picture), "-t", str(SHOWN))
        self.hits(index.like(picture, top_k=SHOWN))

    def hits(self, results: SearchResults) -> None:
        """Score, file and reasons of every hit."""
        names = [safe(Path(os.fsdecode(hit.raw_path)).name) for hit in results]
        width = max(map(len, names), default=0)
        for name, hit in zip(names, results, strict=True):
            why = paint(reasons(hit), DIM, colour=self.colour)
            click.echo(f"   {hit.score:6.3f}  {pad(name, width)}  {why}")
        click.echo()

    def explain(self, index: LexSearch, first: SearchResults) -> None:
        """Why the first hit was found: the words that add up, and where they are."""
        target = FOLDER / "why.png"
        picture = Path(os.fsdecode(first[0].raw_path))
        self.title("See why", "explain", first.query, self.shown(picture), "--heatmap", str(target))
        explanation = index.explain(first.query, picture)
        for line in explanation_lines(explanation, TOP_WORDS, colour=self.colour)[2:]:
            click.echo(f"   {line}".rstrip())
        explanation.render(target)
        words = ", ".join(map(safe, explanation.shown_words())) or "no word"
        where = paint(str(target), BOLD, colour=self.colour)
        click.echo(f"\n   {where} shows where in the picture they fire: {words}\n")

    def shown(self, path: Path) -> str:
        """The path as one would type it here: relative when that is shorter."""
        relative = os.path.relpath(path)
        return safe(min(relative, str(path), key=len))

    def farewell(self) -> None:
        """What to do next."""
        click.echo(paint("Next, with your own photos:", BOLD, colour=self.colour))
        for line in ("lexsearch index ~/Pictures", 'lexsearch "dog on the beach"'):
            click.echo(paint(f"   $ {line}", CYAN, colour=self.colour))
        click.echo(f"   remove the demo with: rm -r {FOLDER}")
