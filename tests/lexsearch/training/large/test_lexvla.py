"""LexVLA on toy backbones."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed")
pytest.importorskip("transformers", reason="transformers is not installed")

from lexsearch.encoders._backbones import padded, token_rows  # noqa: E402
from lexsearch.errors import ModelMissing, UsageError  # noqa: E402
from lexsearch.nn.lexvla import PROMPT, prompt, text_states  # noqa: E402
from lexsearch.training.large.config import LexVlaConfig  # noqa: E402
from lexsearch.training.large.lexvla import (  # noqa: E402
    bags,
    build,
    load_lexvla,
    prompt_rows,
    run_lexvla,
)
from lexsearch.training.large.loop import Run  # noqa: E402


def config(toys: Any, **changes: Any) -> LexVlaConfig:
    return LexVlaConfig(
        **{
            "image_model": str(toys.dinov2), "text_model": str(toys.llama), "image_size": 28,
            "vocabulary": 60, "adapter_heads": 4, "steps": 12, "batch": 6, "rate": 3e-3,
            "precision": "fp32", "ramp": 4, "say_every": 1, "save_every": 4, "max_tokens": 400,
            "lora_rank": 2, "local_files_only": True, **changes,
        }
    )  # fmt: skip


def losses(lines: list[str]) -> list[float]:
    found = [line.split("i2t ")[1] for line in lines if "i2t" in line]
    return [float(text.split()[0]) for text in found]


def test_training_lowers_the_loss_and_leaves_the_text_codebook(toys: Any, tmp_path: Path) -> None:
    said: list[str] = []
    recipe = config(toys, steps=40, rate=1e-2, lora_rank=4)
    folder = run_lexvla(recipe, toys.data, Run(tmp_path, torch.device("cpu"), said.append))
    values = losses(said)
    assert sum(values[-3:]) < 0.8 * sum(values[:3])
    assert (tmp_path / "lexvla.losses.png").is_file()
    assert sorted(path.name for path in folder.iterdir()) == [
        "config.json", "lexvla.safetensors", "prompt.json",
    ]  # fmt: skip
    loaded, _ = load_lexvla(folder)
    fresh = build(recipe, loaded.model.keep_ids)
    assert torch.equal(loaded.model.z_txt, fresh.model.z_txt)
    assert loaded.model.z_txt.grad is None
    assert not torch.equal(loaded.model.z_img, fresh.model.z_img)
    ids, mask = padded(prompt_rows(loaded.tokenizer, ["a red circle"], 400))
    with torch.no_grad():
        assert not torch.allclose(
            text_states(loaded.decoder, ids, mask), text_states(fresh.decoder, ids, mask)
        )


def test_a_new_lora_term_changes_no_text(toys: Any) -> None:
    ids = torch.arange(3, 63)
    with_term, without = (build(config(toys, lora_rank=rank), ids) for rank in (4, 0))
    tokens, mask = padded(prompt_rows(with_term.tokenizer, ["a red circle", "a bar"], 400))
    with torch.no_grad():
        one = with_term.model.text_vectors(text_states(with_term.decoder, tokens, mask))
        other = without.model.text_vectors(text_states(without.decoder, tokens, mask))
    assert torch.equal(one, other)


def test_a_saved_model_says_the_same_when_it_is_loaded(toys: Any, tmp_path: Path) -> None:
    quiet = Run(tmp_path, torch.device("cpu"), lambda _: None)
    folder = run_lexvla(config(toys, steps=3), toys.data, quiet)
    one, _ = load_lexvla(folder)
    other, _ = load_lexvla(folder)
    pixels = torch.randn(2, 3, 28, 28)
    with torch.no_grad():
        vectors = [parts.model.image_vectors(parts.image(pixels)) for parts in (one, other)]
    assert torch.equal(*vectors)
    (folder / "prompt.json").write_text('{"prompt": "say"}')
    with pytest.raises(ModelMissing, match="another prompt"):
        load_lexvla(folder)


@pytest.mark.parametrize(
    "changes",
    [{"text": "bag"}, {"penalty": "flops", "cache_features": False, "chunk": 7}, {"cached": 4},
     {"precision": "bf16"}, {"save_memory": True}, {"image_size": 42}],
    ids=str,
)  # fmt: skip
def test_every_variant_trains(toys: Any, tmp_path: Path, changes: dict[str, Any]) -> None:
    if changes.get("text") == "bag":
        pytest.importorskip("simplemma", reason="simplemma is not installed")
    said: list[str] = []
    run = Run(tmp_path, torch.device("cpu"), said.append)
    run_lexvla(config(toys, steps=3, **changes), toys.data, run)
    assert len(losses(said)) == 3


def test_a_clip_tower_can_stand_for_the_image_tower(toys: Any) -> None:
    parts = build(config(toys, image_model=str(toys.clip), image_size=32), torch.arange(3, 40))
    assert parts.image(torch.randn(1, 3, 32, 32)).shape == (1, 17, 32)
    assert parts.image.mean[0] == pytest.approx(0.48145466)


def test_the_tokens_kept_are_words_of_the_captions(toys: Any) -> None:
    captions = ["a red circle", "the circle is red", "дом"]
    parts = build(config(toys, vocabulary=8), captions=captions)
    kept = parts.model.keep_ids.tolist()
    assert kept == sorted(kept)
    assert 2 <= len(kept) <= 8
    assert parts.tokenizer.decode(kept).isascii()
    everything = build(config(toys, vocabulary=5000, min_count=0), captions=captions)
    assert len(everything.model.keep_ids) > 20
    with pytest.raises(UsageError, match="min_count"):
        build(config(toys, min_count=50), captions=captions)


def test_a_long_caption_is_cut_and_the_question_stays(toys: Any) -> None:
    tokenizer = build(config(toys), torch.arange(3, 40)).tokenizer
    most = len(token_rows(tokenizer, [prompt("a red circle")])[0])
    short, long = prompt_rows(tokenizer, ["a red circle", "a red circle on a blue table"], most)
    assert short == long
    with pytest.raises(UsageError, match="max_tokens 9; the prompt alone"):
        prompt_rows(tokenizer, ["a red circle"], 9)


def test_a_bag_holds_the_pieces_of_the_content_words(toys: Any) -> None:
    pytest.importorskip("simplemma", reason="simplemma is not installed")
    parts = build(config(toys), captions=["a red circle", "the blue bar"])
    found = bags(parts.tokenizer, ["the red circle", "of the"], parts.model.keep_ids)
    assert found[0].norm().item() == pytest.approx(1.0)
    assert found[1].norm().item() == 0.0


def test_what_does_not_fit_the_backbones_is_named(toys: Any) -> None:
    ids = torch.arange(3, 40)
    with pytest.raises(UsageError, match="image_size 30"):
        build(config(toys, image_size=30), ids)
    with pytest.raises(UsageError, match="adapter_heads 5"):
        build(config(toys, adapter_heads=5), ids)
    with pytest.raises(UsageError, match=r"lora_targets: .*c_attn.*q_proj"):
        build(config(toys, lora_targets=("c_attn",)), ids)
    with pytest.raises(ModelMissing, match="/no/such"):
        build(config(toys, text_model="/no/such"), ids)


def test_the_prompt_is_that_of_the_paper() -> None:
    assert PROMPT == (
        'The focus of "The man is riding a white horse." lies on important words:'
        '"man", "riding", "white", "horse". The focus of "{}" lies on important words:'
    )
    assert prompt("{a}").endswith('The focus of "{a}" lies on important words:')


def test_a_run_stopped_and_resumed_equals_one_that_was_not(
    toys: Any, tmp_path: Path, stopped: Any
) -> None:
    whole = run_lexvla(
        config(toys), toys.data, Run(tmp_path / "whole", torch.device("cpu"), lambda _: None)
    )
    cut = Run(tmp_path / "cut", torch.device("cpu"), lambda _: None)
    stopped(lambda: run_lexvla(config(toys), toys.data, cut), after=6)
    said: list[str] = []
    resumed = run_lexvla(config(toys), toys.data, replace(cut, say=said.append))
    assert "lexvla: resumed at step 4" in said
    assert (whole / "lexvla.safetensors").read_bytes() == (
        resumed / "lexvla.safetensors"
    ).read_bytes()
    logs = [(tmp_path / run / "lexvla.losses.jsonl").read_text() for run in ("whole", "cut")]
    assert logs[0] == logs[1]
