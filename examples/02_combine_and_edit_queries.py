"""2. Add and subtract queries, edit their words, set conditions.

Run: python examples/02_combine_and_edit_queries.py sample_corpus/images
"""

import sys
import tempfile
from pathlib import Path

from lexsearch import Filter, LexSearch, Query

pictures = Path(sys.argv[1])
with (
    tempfile.TemporaryDirectory() as folder,
    LexSearch.create(Path(folder) / "db") as db,
):
    db.index(pictures)
    some_picture = sorted(pictures.iterdir())[0]

    print("a text, plus half a picture, minus another text")
    query = Query.text("a dog") + 0.5 * Query.image(some_picture) - Query.text("snow")
    print(*[Path(path).name for path in db.search(query, top_k=3).paths], sep="\n")

    print("words alone: no model runs, the weights are yours")
    print(*[Path(p).name for p in db.search_terms({"dog": 2.0, "snow": -1.0}).paths[:3]], sep="\n")

    print("only pictures of one type, none that carries the word tree")
    query = Query.text("a house").with_(exclude=["tree"], filters=Filter(type="jpeg"))
    results = db.search(query, top_k=3)
    print(*[Path(path).name for path in results.paths], sep="\n")
    print(f"{results.excluded} pictures carry 'tree' and were left out")
