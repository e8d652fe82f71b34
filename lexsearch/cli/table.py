"""The command table: name -> where the command lives and its line of help."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Entry:
    """One command.

    Attributes:
        target: `module:attribute` of the click command, imported when it is called.
        section: heading in `lexsearch --help`.
        help: the line beside the name.
        owner: `OWNER` that the top-level package of the target must carry, or None when the
            target lies inside lexsearch.
    """

    target: str
    section: str
    help: str
    owner: str | None = None


OWNER = "lexsearch"
START = "Start here"
SEARCH = "Search"
CARE = "Look after an index"
MEASURE = "Measure and train"

COMMANDS: dict[str, Entry] = {
    "demo": Entry("lexsearch.cli.demo:command", START, "Search the sample pictures now."),
    "index": Entry("indexer.cli:command", START, "Read folders of photos into an index.", OWNER),
    "models": Entry("lexsearch.cli.models:command", START, "List, fetch or remove models."),
    "doctor": Entry("lexsearch.cli.doctor:command", START, "Say what is installed and healthy."),
    "search": Entry("lexsearch.cli.search:command", SEARCH, "Find photos by words or pictures."),
    "like": Entry("lexsearch.cli.like:command", SEARCH, "Find photos like this one."),
    "explain": Entry("lexsearch.cli.explain:command", SEARCH, "Say why a photo was found."),
    "words": Entry("lexsearch.cli.words:command", SEARCH, "Show words of a photo or a query."),
    "label": Entry("lexsearch.cli.label:command", SEARCH, "Give every photo a class."),
    "ui": Entry("ui.launch:command", SEARCH, "Search in the browser, patch by patch.", OWNER),
    "serve": Entry("lexsearch.cli.serve:command", SEARCH, "Answer searches over HTTP."),
    "status": Entry("lexsearch.cli.status:command", CARE, "Show what an index holds."),
    "errors": Entry("lexsearch.cli.errors:command", CARE, "List photos that were skipped."),
    "dups": Entry("lexsearch.cli.dups:command", CARE, "List equal and nearly equal photos."),
    "db": Entry("lexsearch.cli.db:command", CARE, "List, move, copy or remove indexes."),
    "check": Entry("lexsearch.cli.check:command", CARE, "Verify the files of an index."),
    "repair": Entry("lexsearch.cli.repair:command", CARE, "Mend a damaged index."),
    "upgrade": Entry("lexsearch.cli.upgrade:command", CARE, "Bring an older index up to date."),
    "clean": Entry("lexsearch.cli.clean:command", CARE, "Remove caches and stale leftovers."),
    "run": Entry("lexsearch.cli.run_topics:command", MEASURE, "Search topics; write a TREC run."),
    "fuse": Entry("lexsearch.cli.fuse:command", MEASURE, "Join TREC runs into one."),
    "eval": Entry("lexsearch.cli.eval:command", MEASURE, "Measure how well a search finds."),
    "fusion": Entry("lexsearch.cli.fusion:command", MEASURE, "Learn how channels are joined."),
    "export": Entry("lexsearch.cli.export:command", MEASURE, "Write words for other engines."),
    "train": Entry("lexsearch.training.cli:command", MEASURE, "Train models."),
    "version": Entry("lexsearch.cli.version:command", MEASURE, "Print the version."),
}
SECTIONS = (START, SEARCH, CARE, MEASURE)
FALLBACK = "search"  # an unknown first word starts a search
