"""Finding and verifying the files of a model, and its vocabulary."""

import hashlib
import json
from pathlib import Path

import pytest

from lexsearch.errors import ModelMissing
from lexsearch.models.files import bundled, verify
from lexsearch.models.vocabulary import WordList

LIMIT_BYTES = 40_000_000


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "tiny"
    place.mkdir()
    (place / "a.bin").write_bytes(b"abc")
    manifest = {"files": {"a.bin": {"sha256": hashlib.sha256(b"abc").hexdigest(), "bytes": 3}}}
    (place / "model.json").write_text(json.dumps(manifest))
    return tmp_path


def test_a_file_that_is_what_was_released_is_read(folder: Path) -> None:
    files = bundled("tiny", folder=folder)
    assert files.read("a.bin") == b"abc"
    assert verify(files) == []


def test_a_changed_file_is_refused_with_both_hashes(folder: Path) -> None:
    (folder / "tiny" / "a.bin").write_bytes(b"abd")
    expected = hashlib.sha256(b"abc").hexdigest()
    with pytest.raises(ModelMissing, match=rf"a\.bin has sha256 .* expected {expected}"):
        bundled("tiny", folder=folder).read("a.bin")
    assert len(verify(bundled("tiny", folder=folder))) == 1


def test_a_missing_file_or_model_names_the_remedy(folder: Path) -> None:
    (folder / "tiny" / "a.bin").unlink()
    with pytest.raises(ModelMissing, match="reinstall"):
        bundled("tiny", folder=folder).read("a.bin")
    with pytest.raises(ModelMissing, match="no bundled model is called 'huge'"):
        bundled("huge", folder=folder)
    (folder / "tiny" / "model.json").write_text("{")
    with pytest.raises(ModelMissing, match="not valid JSON"):
        bundled("tiny", folder=folder)


def test_the_bundled_model_is_whole_and_small() -> None:
    files = bundled("mini")
    assert verify(files) == []
    total = sum(path.stat().st_size for path in files.folder.iterdir())
    assert total <= LIMIT_BYTES
    assert (files.folder / "MODEL_CARD.md").is_file()


def test_words_are_found_by_form_case_and_lemma() -> None:
    words = WordList(("dog", "run", "##in", "##ing"), {"ran": "run"})
    assert words.lookup("DOG") == words.lookup("dogs") == 0
    assert words.lookup("ran") == 1
    assert words.lookup("cat") is None
    assert words.pieces("ing") == (3,)
    assert words.pieces("xin") == (2,)
    assert not words.is_word(2)
    assert words.complete("d", 5) == [0]
    assert words.complete("", 1) == [0]
    assert words.complete("##", 5) == []
