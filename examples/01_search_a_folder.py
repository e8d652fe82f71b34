"""1. Index a folder of pictures and search it.

Run: python examples/01_search_a_folder.py sample_corpus/images
"""

import sys
import tempfile
from pathlib import Path

from lexsearch import LexSearch

pictures = sys.argv[1]
with (
    tempfile.TemporaryDirectory() as folder,
    LexSearch.create(Path(folder) / "db") as db,
):
    report = db.index(pictures)
    print(f"{report.encoded} pictures indexed, {len(report.skipped)} skipped")

    for hit in db.search("a boat on the sea", top_k=3):
        reasons = ", ".join(f"{term.word} {term.contribution:.2f}" for term in hit.terms[:3])
        print(f"{hit.rank}. {Path(hit.path).name}  {hit.score:.3f}  because of: {reasons}")
