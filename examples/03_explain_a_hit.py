"""3. See why a picture was found: words that add up, and where each one fired.

Run: python examples/03_explain_a_hit.py sample_corpus/images why.png
"""

import sys
import tempfile
from pathlib import Path

from lexsearch import LexSearch

pictures, picture_of_reasons = sys.argv[1], sys.argv[2]
with (
    tempfile.TemporaryDirectory() as folder,
    LexSearch.create(Path(folder) / "db") as db,
):
    db.index(pictures)
    best = db.search("a red car", top_k=1)[0]
    why = db.explain("a red car", best.path)

    for term in why.terms[:5]:
        print(f"{term.word:12} {term.query:.3f} * {term.image:.3f} = {term.contribution:.4f}")
    total = sum(term.contribution for term in why.terms)
    print(f"all words together {total:.4f} = the lexical score {why.lexical:.4f}")
    print("fused =", " + ".join(f"{w:g} * {name}" for name, w in why.weights.items()))
    print("top left patch says:", [word.word for word in why.patch_terms(0, 0, top_k=5)])
    print("drawn:", why.render(picture_of_reasons))
