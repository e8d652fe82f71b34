"""The text tower of CLIP and TULIP: the invariants, and the golden fixtures."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed")

from lexsearch.nn.clip_text import (  # noqa: E402
    ClipText,
    TextShape,
    cut,
    from_hugging_face,
    load_text,
    real_tokens,
    text_shape,
    vision_from_hugging_face,
)
from lexsearch.nn.rotary import angles, expanded_theta, rotate  # noqa: E402

SHAPE = TextShape(vocab_size=50, width=32, embed_dim=12, depth=2, heads=4, inner=96)


def tower(**options: Any) -> ClipText:
    torch.manual_seed(0)
    made = ClipText(SHAPE, **{"positions": "rotary", "activation": "gelu", **options}).eval()
    with torch.no_grad():
        for parameter in made.parameters():
            if parameter.ndim > 1:
                parameter.normal_(std=0.2)
    return made


def ids(*rows: list[int], length: int = 10) -> "torch.Tensor":
    return cut([list(row) for row in rows], length)


# (a) to (c)


def test_the_product_of_turned_vectors_depends_on_their_distance_alone() -> None:
    query, key = torch.randn(16), torch.randn(16)
    turn = angles(40, 16)

    def product(p: int, k: int) -> float:
        one, other = ((rotate(x, turn[0][i], turn[1][i])) for x, i in ((query, p), (key, k)))
        return float(one @ other)

    assert product(3, 8) == pytest.approx(product(25, 30), abs=1e-5)


def test_turning_keeps_lengths_and_place_0_changes_nothing() -> None:
    x, turn = torch.randn(5, 16), angles(5, 16)
    turned = rotate(x, *turn)
    assert torch.allclose(turned.norm(dim=1), x.norm(dim=1), atol=1e-5)
    assert torch.equal(turned[0], x[0])


# (d)


@pytest.mark.parametrize("positions", ["absolute", "rotary"])
def test_what_follows_the_end_token_has_no_effect(positions: str) -> None:
    made = tower(positions=positions, context=20)
    row = [48, 5, 7, 9, 49]
    short, longer = made(ids(row, length=5)), made(ids(row, length=20))
    other = made(torch.tensor([[*row, 3, 49, 49, 8, 0]]))
    assert torch.allclose(short, longer, atol=1e-5)
    assert torch.allclose(short, other, atol=1e-5)


def test_a_row_does_not_depend_on_its_neighbours() -> None:
    made = tower()
    both = made(ids([48, 5, 49], [48, 6, 7, 8, 49]))
    assert torch.allclose(made(ids([48, 5, 49])), both[:1], atol=1e-5)


# (e)


def test_expansion_raises_theta_unless_the_length_stays() -> None:
    made = tower(context=77)
    assert made.expand(77, 8.0) == 10_000.0
    assert made.expand(248, 8.0) == expanded_theta(77, 248, 8) > 10_000.0
    assert made.context == 248
    assert made(ids([48, 5, 49], length=248)).shape == (1, 12)
    small, large = (tower(context=77).expand(248, alpha) for alpha in (2.0, 8.0))
    assert small < large < tower(context=77).expand(600, 8.0)
    with pytest.raises(ValueError, match="expected rotary"):
        tower(positions="absolute").expand(248)


def test_theta_by_constructor_is_theta_by_expansion() -> None:
    expanded = tower(context=77)
    theta = expanded.expand(248, 8.0)
    assert torch.equal(expanded.cosine, tower(context=248, theta=theta).cosine)


# (f) is the golden fixture of plain CLIP below.


# (g)


def test_a_text_cut_at_the_context_keeps_its_end_token() -> None:
    row = [48, *range(1, 30), 49]
    made = cut([row, [48, 49]], 8)
    assert made[0].tolist() == [48, 1, 2, 3, 4, 5, 6, 49]
    assert made[1].tolist() == [48, 49, 0, 0, 0, 0, 0, 0]


def test_tokens_are_real_up_to_the_first_end_token() -> None:
    found = real_tokens(torch.tensor([[48, 5, 49, 49], [48, 0, 5, 49]]))
    assert found.tolist() == [[True, True, True, False], [True] * 4]


def test_more_tokens_than_the_context_are_an_error() -> None:
    with pytest.raises(ValueError, match="11 tokens; expected at most 10"):
        tower(context=10)(torch.zeros(1, 11, dtype=torch.int64))


def test_a_state_that_does_not_fit_is_named() -> None:
    made = tower()
    state = {f"module.{k}": v for k, v in made.state_dict().items()}
    assert load_text(made, {**state, "module.visual.proj": torch.zeros(1)}) == ("visual.proj",)
    state["extra"] = state.pop("module.ln_final.bias")
    state["module.ln_final.weight"] = torch.zeros(3)
    with pytest.raises(
        KeyError, match=r"missing \['ln_final.bias'\], unexpected \['extra'\].*ln_final.weight is"
    ):
        load_text(made, state)


def test_half_precision_files_load() -> None:
    made = tower()
    load_text(made, {k: v.half() for k, v in made.state_dict().items()})
    assert made.text_projection.dtype == torch.float32


def close(found: "torch.Tensor", wanted: "torch.Tensor") -> bool:
    return torch.allclose(found, wanted, atol=1e-5, rtol=1e-5)


@pytest.mark.shared
@pytest.mark.parametrize("theta", ["theta10000", "ntk_77_248_a8"])
@pytest.mark.parametrize("length", [5, 77, 150, 248])
def test_golden_tulip(shared: Path, theta: str, length: int) -> None:
    from safetensors.torch import load_file

    folder = shared / "golden" / "tulip"
    meta = json.loads((folder / "meta.json").read_text())
    state, io = (
        load_file(str(folder / "weights.safetensors")),
        load_file(str(folder / "io.safetensors")),
    )
    shape = text_shape(state)
    assert shape.heads == meta["config"]["text_heads"]
    by_constructor = ClipText(
        shape, context=248, positions="rotary", activation="gelu", theta=meta["theta"][theta]
    )
    aside = load_text(by_constructor, state)
    assert set(aside) == {"logit_scale", "positional_embedding"} | {
        name for name in state if name.startswith("visual.")
    }
    towers = [by_constructor]
    if theta != "theta10000":
        expanded = ClipText(shape, context=77, positions="rotary", activation="gelu")
        load_text(expanded, state)
        expanded.expand(248, 8.0)
        towers.append(expanded)
    for made in towers:
        with torch.no_grad():
            found = made.eval()(io[f"in.tokens.len{length}"])
        assert close(found, io[f"out.text.{theta}.len{length}"])


@pytest.mark.shared
def test_golden_clip_in_the_names_of_open_clip(shared: Path) -> None:
    from safetensors.torch import load_file

    folder = shared / "golden" / "clip_openclip"
    meta = json.loads((folder / "meta.json").read_text())
    state, io = (
        load_file(str(folder / "weights.safetensors")),
        load_file(str(folder / "io.safetensors")),
    )
    prefix = meta["config"].get("key_prefix", "")
    assert all(name.startswith(prefix) for name in state)
    plain = {name.replace("module.", ""): value for name, value in state.items()}
    context = plain["positional_embedding"].shape[0]
    heads = meta["config"].get("text_heads")
    made = ClipText(text_shape(plain, heads=heads), context=context)
    load_text(made, state)
    with torch.no_grad():
        assert close(made.eval()(io["in.tokens"]), io["out.text_features"])


@pytest.mark.shared
def test_golden_clip_in_the_names_of_transformers(shared: Path) -> None:
    from safetensors.torch import load_file

    folder = shared / "golden" / "clip_hf"
    meta = json.loads((folder / "meta.json").read_text())
    state, io = (
        load_file(str(folder / "weights.safetensors")),
        load_file(str(folder / "io.safetensors")),
    )
    ours = from_hugging_face(state)
    text = meta["config"]["text_config"]
    made = ClipText(
        text_shape(ours, heads=text["num_attention_heads"]),
        context=ours["positional_embedding"].shape[0],
        activation=text["hidden_act"],
    )
    load_text(made, ours)
    with torch.no_grad():
        assert close(made.eval()(io["in.input_ids"]), io["out.text_features"])
    official = load_file(str(shared / "golden" / "clip_openclip" / "weights.safetensors"))
    names = {name.replace("module.", "") for name in official}
    layers = re.compile(r"resblocks\.\d+")
    assert {layers.sub("resblocks.N", name) for name in vision_from_hugging_face(state)} == {
        layers.sub("resblocks.N", name) for name in names if name.startswith("visual.")
    }
