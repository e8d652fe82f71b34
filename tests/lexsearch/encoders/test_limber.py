"""LiMBeR as people use it: captions of pictures, and scores of sentences."""

import json
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed")
pytest.importorskip("transformers", reason="transformers is not installed")

from PIL import Image  # noqa: E402

from lexsearch.encoders.captions.limber import Limber  # noqa: E402
from lexsearch.errors import ModelMissing, UsageError  # noqa: E402
from lexsearch.registry import build  # noqa: E402

PICTURES = [Image.new("RGB", (70, 50), colour) for colour in ((200, 30, 30), (20, 40, 220))]


@pytest.fixture(scope="module")
def folder(tiny: Any, make_tokenizer: Any) -> Path:
    """A released map beside the trunk and a language model that it names."""
    import transformers as tf
    from safetensors.torch import save_file

    from lexsearch.nn.clip_resnet import ClipResNet

    place: Path = tiny.limber
    torch.manual_seed(3)
    trunk = ClipResNet((1, 1, 1, 1), 8, 2, heads=4, embed_dim=16)
    size = make_tokenizer(place / "gptj", starts=("<unk>", "<|endoftext|>"), plain=True)
    language = tf.GPTJForCausalLM(
        tf.GPTJConfig(
            vocab_size=size, n_embd=32, n_layer=2, n_head=4, rotary_dim=4, n_positions=128,
            bos_token_id=1, eos_token_id=1,
        )
    )  # fmt: skip
    with torch.no_grad():
        for parameter in language.parameters():
            if parameter.ndim >= 2:
                parameter.normal_(std=0.15)
    language.save_pretrained(place / "gptj")
    state = {f"visual.{k}": v.contiguous() for k, v in trunk.state_dict().items()}
    save_file(state, str(place / "rn.safetensors"))
    torch.save({"weight": torch.randn(32, 256) * 0.3, "bias": torch.randn(32)}, place / "proj.ckpt")
    said = {"trunk": str(place / "rn.safetensors"), "language": str(place / "gptj"), "heads": 4}
    (place / "limber.json").write_text(json.dumps(said))
    return place


@pytest.fixture(scope="module")
def limber(folder: Path) -> Limber:
    found: Limber = build("encoders.captions", "limber", source=str(folder))
    return found


def test_a_picture_becomes_a_sentence_whatever_stands_beside_it(limber: Limber) -> None:
    both = limber.encode_captions(PICTURES, steps=6)
    assert len(both) == 2
    assert all(isinstance(text, str) for text in both)
    assert limber.encode_captions(PICTURES[1:], steps=6) == both[1:]
    assert limber.encode_captions([]) == []


def test_greedy_decoding_without_a_cache_gives_the_same_ids(limber: Limber) -> None:
    from lexsearch.nn.limber import greedy, joined
    from lexsearch.pixels import to_pixels

    pixels = to_pixels(PICTURES[0], limber.pixel_spec)[None]
    start = joined(limber.language, limber.prefix(pixels), torch.tensor([[5, 9]]))
    found = greedy(limber.language, start, end=-1, steps=5)[0].tolist()
    sequence = start
    with torch.inference_mode():
        for token in found:
            logits = limber.language(inputs_embeds=sequence, use_cache=False).logits[:, -1]
            assert int(logits.argmax()) == token
            sequence = joined(limber.language, sequence, torch.tensor([[token]]))


def test_a_sentence_scores_by_its_picture(limber: Limber) -> None:
    texts = ["a red bike", "a red bike"]
    scores = limber.score(PICTURES, texts)
    assert scores.shape == (2,)
    assert (scores < 0).all()
    assert scores[0] != scores[1]
    assert limber.score(PICTURES[:1], texts[:1])[0] == pytest.approx(float(scores[0]), abs=1e-6)


def test_as_many_sentences_as_pictures_are_asked_for(limber: Limber) -> None:
    with pytest.raises(UsageError, match="2 pictures and 1 texts"):
        limber.score(PICTURES, ["a"])


def test_a_map_for_another_trunk_is_refused(folder: Path) -> None:
    wrong = folder / "other.safetensors"
    from safetensors.torch import save_file

    save_file({"weight": torch.zeros(32, 100), "bias": torch.zeros(32)}, str(wrong))
    with pytest.raises(ModelMissing, match="makes 256 channels; expected 100"):
        build("encoders.captions", "limber", source=str(wrong))
