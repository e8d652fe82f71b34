"""The contrastive stage on a small set."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed")
pytest.importorskip("tokenizers")
pytest.importorskip("simplemma", reason="simplemma is not installed")
pytest.importorskip("matplotlib", reason="matplotlib is not installed")

import random  # noqa: E402

from lexsearch.nn.mini import Mini, MiniShape  # noqa: E402
from lexsearch.training import checkpoints  # noqa: E402
from lexsearch.training.batches import draw  # noqa: E402
from lexsearch.training.config import MiniConfig  # noqa: E402
from lexsearch.training.data import Box  # noqa: E402
from lexsearch.training.pairs import losses_of, parameter_groups, train_pairs  # noqa: E402

CONFIG = MiniConfig(
    steps=12, batch=16, warm_up=2, patches=12, sampled_words=8, ramp=4, scenes_share=0.0,
    labels_share=0.0, joined_share=0.2, evaluate_every=6, tower_rate=1e-4,
    cut_from=6, finish_from=6, words_per_image=6, words_per_text=4,
)  # fmt: skip


def model(small: Any) -> Mini:
    torch.manual_seed(0)
    made = Mini(
        MiniShape(words=small.words, text_vocab=300, text_depth=1, adapter_depth=1, frozen=11)
    )
    made.freeze_text_codebook()
    return made


def train(small: Any, config: MiniConfig, checkpoint: Path) -> tuple[Mini, Mini, list[str]]:
    trained, said = model(small), []
    averaged = train_pairs(
        trained,
        {"captions": [small.source(44)], "scenes": [], "labels": []},
        small.tokenizer(),
        small.targets(),
        config,
        checkpoint=checkpoint,
        say=said.append,
        evaluate=lambda _: "measured",
    )
    return trained, averaged, said


def test_a_resumed_run_equals_an_uninterrupted_one(
    small: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkpoints, "SAVE_EVERY", 5)
    whole, _, _ = train(small, CONFIG, tmp_path / "whole.pt")

    class Killed(Exception):
        pass

    calls = 0

    def stop(self: object, done: int, of: int) -> None:
        nonlocal calls
        keep(self, done, of)
        calls += 1
        if calls == 8:
            raise Killed

    keep = checkpoints.Checkpoint.step
    with monkeypatch.context() as patch:
        patch.setattr(checkpoints.Checkpoint, "step", stop)
        with pytest.raises(Killed):
            train(small, CONFIG, tmp_path / "cut.pt")
    resumed, _, said = train(small, CONFIG, tmp_path / "cut.pt")
    assert "cut: resumed at step 5" in said
    for one, other in zip(whole.parameters(), resumed.parameters(), strict=True):
        assert torch.equal(one, other)
    logs = [(tmp_path / f"{name}.losses.jsonl").read_text() for name in ("whole", "cut")]
    assert logs[0] == logs[1]
    assert logs[0].count("\n") == CONFIG.steps
    assert (tmp_path / "cut.png").is_file()


@pytest.mark.parametrize(
    ("cut_from", "falling"),
    [
        (40, ("dense", "lexical", "words_image", "words_text")),
        (6, ("dense", "lexical", "words_text")),  # what is stored has to tell the photos apart
    ],
)
def test_losses_fall_and_the_text_codebook_stays(
    small: Any, tmp_path: Path, cut_from: int, falling: tuple[str, ...]
) -> None:
    start = model(small)
    config = replace(CONFIG, steps=40, cut_from=cut_from)
    trained, averaged, said = train(small, config, tmp_path / "run.pt")
    assert said.count("measured") == 7
    assert torch.equal(trained.z_txt, start.z_txt)
    assert not torch.equal(trained.z_img, start.z_img)
    assert not torch.equal(averaged.z_img, trained.z_img)
    batch = draw(small.source(44), 44, small.tokenizer(), small.targets(), random.Random(1))
    with torch.no_grad():
        torch.manual_seed(0)
        before = losses_of(start.eval(), batch, CONFIG, cut=cut_from < 40)
        torch.manual_seed(0)
        after = losses_of(trained.eval(), batch, CONFIG, cut=cut_from < 40)
    for name in falling:
        assert after[name] < before[name], name


def test_a_tower_without_a_rate_does_not_train(small: Any, tmp_path: Path) -> None:
    start = model(small)
    trained, _, _ = train(small, replace(CONFIG, steps=2, tower_rate=0.0), tmp_path / "run.pt")
    for one, other in zip(
        start.image.tower_parameters(), trained.image.tower_parameters(), strict=True
    ):
        assert torch.equal(one, other)
    assert len(parameter_groups(model(small), replace(CONFIG, tower_rate=0.0))) == 2


def test_words_are_taught_to_lie_on_their_objects(small: Any) -> None:
    boxes = tuple((Box("dog", 0.0, 0.0, 0.5, 0.5),) for _ in range(6))
    source = small.source(6, boxes=boxes)
    batch = draw(source, 6, small.tokenizer(), small.targets(), random.Random(1))
    torch.manual_seed(0)
    assert losses_of(model(small), batch, CONFIG, cut=False)["pointing"] > 0
    plain = draw(small.source(6), 6, small.tokenizer(), small.targets(), random.Random(1))
    assert losses_of(model(small), plain, CONFIG, cut=False)["pointing"] == 0
