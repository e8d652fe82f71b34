"""A process that keeps one index open: python reader.py INDEX. Each line of stdin is a query; the
answer is a line of JSON: the paths in their order, or the error."""

from __future__ import annotations

import json
import os
import sys

from lexsearch import LexSearch, LexsearchError

with LexSearch.open(sys.argv[1]) as db:
    for query in sys.stdin:
        try:
            db.reload()
            hits = db.search(query.strip(), top_k=50)
            said = {"paths": [os.fspath(hit.path) for hit in hits]}
        except LexsearchError as error:
            said = {"error": str(error)}
        print(json.dumps(said), flush=True)
