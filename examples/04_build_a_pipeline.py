"""4. Add pictures of a program with ids of its own, and put a search together from stages.

Run: python examples/04_build_a_pipeline.py sample_corpus/images
"""

import sys
import tempfile
from pathlib import Path

from lexsearch import Filter, LexSearch

pictures = sorted(Path(sys.argv[1]).iterdir())
with (
    tempfile.TemporaryDirectory() as folder,
    LexSearch.create(Path(folder) / "db") as db,
):
    db.add(
        (path.read_bytes() for path in pictures),  # any stream: bytes, arrays, Pillow images, paths
        ids=(f"picture-{i}" for i in range(len(pictures))),
        metadata=({"even": i % 2 == 0} for i in range(len(pictures))),
    )
    print(f"{len(db)} pictures added")

    lexical, dense, late = db.stages.lexical, db.stages.dense, db.stages.late
    for stage in (
        lexical % 5 >> late,
        0.3 * lexical + 0.7 * dense,
        (lexical | dense) >> late % 3,
    ):
        found = stage.search("a dog near a house", top_k=3)
        print(f"{stage!r}:", *[hit.docid for hit in found])

    even = db.search("a dog", top_k=3, filters=Filter(meta={"even": True}))
    print(even.to_trec("q1"), end="")
