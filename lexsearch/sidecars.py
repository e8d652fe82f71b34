"""XMP sidecars with labels: `photo.jpg.xmp`, the name that darktable and digiKam use.

A label is a keyword (`dc:subject`). A file that exists is never touched.

Source: ISO 16684-1 (XMP), part on serialisation; Dublin Core, `subject`.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from xml.sax.saxutils import escape

_TEXT = """<?xml version="1.0" encoding="UTF-8"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/" x:xmptk="lexsearch">
 <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
  <rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/">
   <dc:subject>
    <rdf:Bag>
{items}
    </rdf:Bag>
   </dc:subject>
  </rdf:Description>
 </rdf:RDF>
</x:xmpmeta>
"""


def sidecar(keywords: Sequence[str]) -> str:
    """The text of a sidecar; letters that XML does not allow are left out."""
    items = "\n".join(f"     <rdf:li>{escape(_allowed(word))}</rdf:li>" for word in keywords)
    return _TEXT.format(items=items)


def write_sidecar(photo: bytes, keywords: Sequence[str]) -> bool:
    """Write the sidecar of a photo beside it; False when there is one, which stays as it is.

    Raises:
        OSError: the folder cannot be written to, or is gone.
    """
    place = Path(os.fsdecode(photo + b".xmp"))
    try:
        with place.open("x", encoding="utf-8") as file:
            file.write(sidecar(keywords))
    except FileExistsError:
        return False
    return True


def _allowed(text: str) -> str:
    return "".join(c for c in text if c == "\t" or (c >= " " and not "\ud800" <= c <= "\udfff"))
