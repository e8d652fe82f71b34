"""LexVLA without its backbones: adapter, codebooks, LoRA, padding."""

from types import SimpleNamespace

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed")

from torch import nn  # noqa: E402

from lexsearch.nn.lexical import sparsify  # noqa: E402
from lexsearch.nn.lexvla import Adapter, LexVla, last_real, positions_of, text_states  # noqa: E402
from lexsearch.nn.lora import LoraLinear, add_lora, load_lora, lora_state  # noqa: E402
from lexsearch.training.losses import flops, overuse  # noqa: E402


def model() -> LexVla:
    torch.manual_seed(0)
    return LexVla(
        torch.randn(40, 16), torch.tensor([1, 3, 4, 9, 20, 39]), image_width=8, heads=2
    ).eval()


def test_the_adapter_has_the_size_that_the_paper_names() -> None:
    with torch.device("meta"):
        count = sum(p.numel() for p in Adapter(768, 4096).parameters())
    assert 17.0e6 < count < 17.1e6


def test_the_codebook_of_images_starts_as_that_of_texts() -> None:
    made = model()
    assert torch.equal(made.z_img, made.z_txt)
    assert {name for name, _ in made.named_parameters()} >= {"z_img", "logit_scale"}
    assert "z_txt" not in dict(made.named_parameters())
    assert made.logit_scale.exp().item() == pytest.approx(1 / 0.07)


# Invariant 1, 2, 5.


def test_vectors_are_positive_unit_and_thin_out_with_fewer_words() -> None:
    vectors = model().image_vectors(torch.randn(5, 7, 8))
    assert (vectors > 0).all()
    assert torch.allclose(vectors.norm(dim=1), torch.ones(5), atol=1e-5)
    counts = [int((vectors > t).sum()) for t in (0.0, 0.1, 0.3, 0.5, 1.0)]
    assert counts == sorted(counts, reverse=True)
    assert (sparsify(vectors) > 0).sum() < vectors.numel()


def test_flat_logits_leave_no_word() -> None:
    vectors = model().text_vectors(torch.zeros(2, 16))
    assert torch.allclose(vectors, torch.full((2, 6), 6**-0.5))


# Invariants 3, 4.


def test_the_order_of_patches_does_not_matter() -> None:
    made, tokens = model(), torch.randn(2, 9, 8)
    plain = made.image_vectors(tokens)
    assert torch.allclose(plain, made.image_vectors(tokens[:, torch.randperm(9)]), atol=1e-5)
    assert torch.allclose(plain, made.image_vectors(tokens, chunk=4), atol=1e-6)


def test_cls_speaks_for_the_picture_and_not_for_a_patch() -> None:
    made, tokens = model(), torch.randn(2, 9, 8)
    patches = made.patch_vectors(tokens)
    assert patches.shape == (2, 8, 6)
    assert torch.allclose(patches.norm(dim=-1), torch.ones(2, 8), atol=1e-5)
    logits = made.adapter(tokens) @ made.z_img.T
    strongest = logits[:, 1:].argmax(dim=-1)
    assert torch.equal(patches.argmax(dim=-1), strongest)


# Invariant 6.


def test_overuse_is_at_least_flops() -> None:
    vectors = model().image_vectors(torch.randn(5, 7, 8))
    assert overuse(vectors) >= flops(vectors)


# Invariant 7.


def test_a_low_rank_term_starts_at_zero_and_is_saved_alone() -> None:
    def stack() -> nn.Module:
        torch.manual_seed(1)
        return nn.Sequential(nn.Linear(6, 5), nn.ReLU(), nn.Linear(5, 4))

    plain, changed, x = stack(), stack(), torch.randn(3, 6)
    trained = add_lora(changed, rank=2, alpha=4.0)
    assert torch.equal(plain(x), changed(x))
    assert len(trained) == 4
    assert sum(p.requires_grad for p in changed.parameters()) == 4
    with torch.no_grad():
        for parameter in trained:
            parameter.normal_()
    assert not torch.allclose(plain(x), changed(x))
    other = stack()
    add_lora(other, rank=2, alpha=4.0)
    load_lora(other, lora_state(changed))
    assert torch.equal(other(x), changed(x))
    with pytest.raises(KeyError, match=r"missing: \['2.lora_b'\]"):
        load_lora(other, {k: v for k, v in lora_state(changed).items() if k != "2.lora_b"})


def test_a_low_rank_term_weighs_alpha_over_rank() -> None:
    base = nn.Linear(2, 2, bias=False)
    term = LoraLinear(base, rank=1, alpha=3.0)
    with torch.no_grad():
        term.lora_a.copy_(torch.tensor([[1.0, 0.0]]))
        term.lora_b.copy_(torch.tensor([[0.0], [2.0]]))
    x = torch.tensor([[5.0, 7.0]])
    added = term(x) - base(x)
    assert added[0].tolist() == pytest.approx([0.0, 3.0 * 2.0 * 5.0], rel=1e-5)


def test_only_the_maps_that_are_named_get_a_term() -> None:
    made = nn.ModuleDict({"q": nn.Linear(4, 4), "v": nn.Linear(4, 4)})
    assert len(add_lora(made, rank=1, alpha=1.0, targets=("v",))) == 2
    assert add_lora(nn.Linear(2, 2), rank=0, alpha=1.0) == []
    with pytest.raises(ValueError, match="no linear map is called k; known: q, v"):
        add_lora(
            nn.ModuleDict({"q": nn.Linear(4, 4), "v": nn.Linear(4, 4)}),
            rank=1, alpha=1.0, targets=("k",),
        )  # fmt: skip


# Invariant 8.


def test_the_codebook_of_texts_gets_no_gradient() -> None:
    made = model()
    before = made.z_txt.clone()
    optimiser = torch.optim.Adam(made.parameters(), lr=0.1)
    scores = made.image_vectors(torch.randn(3, 5, 8)) @ made.text_vectors(torch.randn(3, 16)).T
    torch.autograd.backward(scores.sum())
    optimiser.step()
    assert made.z_txt.grad is None
    assert torch.equal(made.z_txt, before)
    assert not torch.equal(made.z_img, before)


# Invariant 9.


def test_the_last_real_token_speaks_whichever_side_is_padded() -> None:
    states = torch.arange(12.0).reshape(2, 6, 1)
    right = torch.tensor([[1, 1, 1, 0, 0, 0], [1, 1, 1, 1, 1, 1]])
    assert last_real(states, right).flatten().tolist() == [2.0, 11.0]
    left = torch.tensor([[0, 0, 0, 1, 1, 1], [0, 1, 1, 1, 1, 1]])
    assert last_real(states, left).flatten().tolist() == [5.0, 11.0]
    assert positions_of(left).tolist() == [[0, 0, 0, 0, 1, 2], [0, 0, 1, 2, 3, 4]]


def test_a_language_model_is_called_with_positions_of_the_real_tokens() -> None:
    class Fake(nn.Module):
        def forward(self, *, input_ids, attention_mask, position_ids, use_cache):  # type: ignore[no-untyped-def]
            states = torch.stack([input_ids, position_ids], dim=-1).float()
            return SimpleNamespace(last_hidden_state=states)

    ids, mask = torch.tensor([[0, 7, 8]]), torch.tensor([[0, 1, 1]])
    assert text_states(Fake(), ids, mask).tolist() == [[8.0, 1.0]]


# The word-level path.


def test_a_word_is_its_row_and_several_pieces_are_averaged() -> None:
    made = model()
    one = made.word_vector(torch.tensor([9]))
    assert torch.allclose(one, made.text_vectors(made.z_txt[3:4])[0])
    two = made.word_vector(torch.tensor([9, 39]))
    mean = (made.z_txt[3] + made.z_txt[5]) / 2
    assert torch.allclose(two, made.text_vectors(mean[None])[0])
    assert torch.equal(made.word_vector(torch.tensor([9, 10])), one)
    with pytest.raises(ValueError, match=r"none of the tokens \[2, 50\] is in keep_ids"):
        made.word_vector(torch.tensor([2, 50]))
