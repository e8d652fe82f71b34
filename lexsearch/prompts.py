"""Prompts: the sentences that stand for a class in zero-shot classification.

Source: CLIP (Radford et al. 2021), section 3.1.4; the similarities of several prompts are averaged,
never their vectors, as in FILIP (arXiv 2111.07783), since sets of tokens have no mean.
"""

from __future__ import annotations

from collections.abc import Sequence

from lexsearch.errors import UsageError

# On 81 classes of photos whose labels the bundled model has seen in training: hybrid top-1 79.1 %,
# against 78.1 % by the first prompt alone; on other labels about equal (see the model card).
TEMPLATES = (
    "a photo of a {}.",
    "a picture of a {}.",
    "a close-up photo of a {}.",
    "the {}.",
    "a drawing of a {}.",
    "{}",
    "a photo of the small {}.",
    "there is a {} in the photo.",
)


def spoken(name: str) -> str:
    """A label as a sentence says it: lower case, blanks for `_`, single blanks.

    >>> spoken("Faces_easy")
    'faces easy'
    """
    return " ".join(name.replace("_", " ").lower().split())


def prompts(classes: Sequence[str], templates: Sequence[str] = TEMPLATES) -> list[list[str]]:
    """Template by template the sentence of every class, the label as `spoken` says it.

    Raises:
        UsageError: a template without `{}`, or none.
    """
    if not templates:
        raise UsageError("no template was given; expected one with {} for the class")
    for template in templates:
        if "{}" not in template:
            raise UsageError(f"the template {template!r} has no {{}} where the class goes")
    return [[t.replace("{}", spoken(name)) for name in classes] for t in templates]
