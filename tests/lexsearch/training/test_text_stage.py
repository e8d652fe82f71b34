"""The text stage: teacher and rotary student."""

from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed")
pytest.importorskip("tokenizers")
pytest.importorskip("simplemma", reason="simplemma is not installed")

from lexsearch.nn.mini import Mini, MiniShape  # noqa: E402
from lexsearch.nn.text import masked_mean, real_tokens  # noqa: E402
from lexsearch.training.batches import token_ids  # noqa: E402
from lexsearch.training.config import MiniConfig  # noqa: E402
from lexsearch.training.text_stage import Teacher, distil, train_teacher  # noqa: E402

CONFIG = MiniConfig(
    teacher_steps=30, teacher_batch=24, teacher_tokens=16, sampled_words=8, distil_steps=25,
    distil_batch=44,
)  # fmt: skip


def shape(words: int) -> MiniShape:
    return MiniShape(words=words, text_vocab=300, text_depth=2, width=64)


@pytest.fixture(scope="module")
def taught(small: Any, tmp_path_factory: pytest.TempPathFactory) -> tuple[Teacher, list[str], Path]:
    said: list[str] = []
    path = tmp_path_factory.mktemp("teacher") / "teacher.pt"
    teacher = train_teacher(
        shape(small.words), small.groups(), small.tokenizer(), small.targets(), CONFIG,
        checkpoint=path, say=said.append,
    )  # fmt: skip
    return teacher, said, path


def first_loss(line: str) -> float:
    return float(line.split("words ")[1].split()[0])


def test_the_teacher_learns_the_words_of_its_texts(taught: Any) -> None:
    _, said, path = taught
    assert first_loss(said[-1]) < first_loss(said[0])
    assert path.is_file()


def test_the_teacher_has_absolute_positions_and_the_student_has_none(taught: Any) -> None:
    teacher, _, _ = taught
    assert teacher.text.tower.table is not None
    assert Mini(shape(teacher.z_txt.shape[0])).text.tower.table is None


def test_the_student_comes_to_say_what_the_teacher_says(
    taught: Any, small: Any, tmp_path: Path
) -> None:
    teacher, _, _ = taught
    student = Mini(shape(small.words))
    lines = [text for group in small.groups() for text in group]
    said: list[str] = []
    before = student.text.tower.embedding.weight.clone()
    distil(
        teacher, student, lines, small.tokenizer(), CONFIG,
        checkpoint=tmp_path / "student.pt", say=said.append,
    )  # fmt: skip
    losses = [float(line.split("text ")[1].split()[0]) for line in said]
    assert losses[-1] < 0.5 * losses[0]
    assert torch.equal(student.z_txt, teacher.z_txt)
    assert torch.equal(student.text.tower.embedding.weight, teacher.text.tower.embedding.weight)
    assert not torch.equal(before, student.text.tower.embedding.weight)
    ids = token_ids(small.tokenizer(), lines[:8], CONFIG.teacher_tokens)
    mask = real_tokens(ids)
    with torch.no_grad():
        near = torch.cosine_similarity(
            masked_mean(student.eval().text.tower(ids, mask), mask),
            masked_mean(teacher.eval().text.tower(ids, mask), mask),
        )
    assert near.mean() > 0.9
