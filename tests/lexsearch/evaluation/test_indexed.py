"""An index made for a measurement."""

from pathlib import Path
from typing import Any

import pytest

from lexsearch.errors import UsageError
from lexsearch.evaluation.indexed import ids_of, indexed_folder, inside


def test_a_folder_is_indexed_and_its_files_are_found(
    toy_model: Any, save: Any, tmp_path: Path
) -> None:
    save("photos/a.png", ("red", "red", "red", "red"))
    save("photos/below/b.png", ("blue", "blue", "green", "green"))
    folder = tmp_path / "photos"
    with indexed_folder(folder, tmp_path / "db", toy_model) as engine:
        ids = ids_of(engine.snapshot, folder, ["a.png", "below/b.png", "a.png"])
        assert len(ids) == len(set(ids.values())) == len(engine.snapshot) == 2
        assert inside(engine.snapshot, folder) is None
        part = inside(engine.snapshot, folder / "below")
        assert part is not None
        assert part.tolist() == [ids["below/b.png"]]
        with pytest.raises(UsageError, match=r"'none\.png'"):
            ids_of(engine.snapshot, folder, ["none.png"])
