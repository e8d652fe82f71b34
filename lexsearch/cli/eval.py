"""`lexsearch eval`: the group of measures; each command has a file of its own."""

from __future__ import annotations

import click

from lexsearch.cli.eval_labels import labels
from lexsearch.cli.eval_patches import patchdis, pointing
from lexsearch.cli.eval_retrieval import retrieval
from lexsearch.cli.eval_run import run
from lexsearch.cli.eval_words import words
from lexsearch.cli.group import HelpfulGroup


@click.group("eval", cls=HelpfulGroup)
def command() -> None:
    """Measure how well a search finds, and how true the words of a model are.

    \b
    Examples:
      lexsearch eval retrieval --images photos/ --captions captions.tsv
      lexsearch eval run --qrels qrels.txt --run a.trec b.trec -m nDCG@10
      lexsearch eval words --images photos/ --captions captions.tsv
      lexsearch eval pointing --corpus sample_corpus/
    """


for one in (retrieval, run, words, pointing, patchdis, labels):
    command.add_command(one)
