"""Shows the examples of docstrings, which are written as doctests, as blocks of code."""

from __future__ import annotations

import re
from typing import Any

from griffe import Extension

DOCTEST = re.compile(r"^>>> .*?(?=\n\s*\n|\Z)", re.MULTILINE | re.DOTALL)
DIRECTIVE = re.compile(r"\s*# doctest: [+\w, ]+$", re.MULTILINE)


def fenced(text: str) -> str:
    """The text with every doctest in it as a block.

    >>> fenced("Adds.\\n\\n>>> 1 + 1\\n2")
    'Adds.\\n\\n```pycon\\n>>> 1 + 1\\n2\\n```'
    """
    return DOCTEST.sub(lambda match: f"```pycon\n{DIRECTIVE.sub('', match[0])}\n```", text)


class Doctests(Extension):
    """Used by mkdocstrings."""

    def on_object(self, *, obj: Any, **others: Any) -> None:
        """Change the docstring of one object."""
        if obj.docstring is not None:
            obj.docstring.value = fenced(obj.docstring.value)
