"""Hypernyms from the files of WordNet 3.x, for the committed table of the vocabulary."""

from __future__ import annotations

from collections.abc import Container
from pathlib import Path

# Concepts too general to be worth a word of their own; walking up stops below them.
_TOO_GENERAL = """abstraction act action activity attribute being cause change entity event
    group happening
    instrumentality matter measure object organism part phenomenon piece process property
    relation
    state substance thing unit whole way content collection causal cognition psychological
    possession quality quantity relative representation shape signal symbol situation condition
    medium arrangement conveyance covering device container artifact body line point form kind
    structure section set feature location region area position side end top surface
    chemical material compound fluid liquid solid color craft produce precipitation product good
    commodity male female worker expert leader contestant traveler defender consumer"""
TOO_GENERAL = frozenset(_TOO_GENERAL.split())
DEPTH = 12  # levels to walk up
KEPT = 4  # hypernyms to keep for a word


class WordNetNouns:
    """First senses of nouns and their chains of hypernyms."""

    def __init__(self, folder: Path) -> None:
        self._first: dict[str, str] = {}
        for line in (folder / "index.noun").read_text(encoding="utf-8").splitlines():
            if not line.startswith(" "):
                parts = line.split()
                self._first[parts[0]] = parts[4 + int(parts[3]) + 2]
        self._names: dict[str, list[str]] = {}
        self._up: dict[str, str] = {}
        for line in (folder / "data.noun").read_text(encoding="utf-8").splitlines():
            if line.startswith(" "):
                continue
            parts = line.split(" | ")[0].split()
            count = int(parts[3], 16)
            self._names[parts[0]] = [name.lower() for name in parts[4 : 4 + 2 * count : 2]]
            pointers = parts[5 + 2 * count :]
            ups = [pointers[i + 1] for i in range(0, len(pointers) - 3, 4) if pointers[i] in "@@i"]
            if ups:
                self._up[parts[0]] = ups[0]

    def __contains__(self, noun: str) -> bool:
        return noun in self._first

    def hypernyms(self, noun: str, known: Container[str]) -> list[str]:
        """Single-word hypernyms of the first sense that are known, nearest first, at most KEPT."""
        synset = self._first.get(noun.replace(" ", "_"))
        found: list[str] = []
        for _ in range(DEPTH):
            synset = self._up.get(synset) if synset is not None else None
            if synset is None:
                break
            names = [n for n in self._names[synset] if n.isalpha() and len(n) >= 3]
            if any(name in TOO_GENERAL for name in names):
                break
            common = [name for name in names if name in known and name != noun]
            found.extend(name for name in common[:1] if name not in found)
        return found[:KEPT]
