"""The lexical head: the invariants of LexVLA."""

from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed")

from lexsearch.nn.lexical import (  # noqa: E402
    elu1p,
    image_logits,
    lexical_vector,
    sparsify,
    stored_form,
    stored_sample,
)
from lexsearch.ranking.pruning import heaviest  # noqa: E402
from lexsearch.training.losses import flops, overuse, quadratic_ramp  # noqa: E402
from lexsearch.types import SparseVectors  # noqa: E402


def test_the_activation_is_positive_smooth_and_monotone() -> None:
    x = torch.tensor([-60.0, -20.0, -1.0, 0.0, 2.0])
    y = elu1p(x)
    assert (y > 0).all()
    assert y.tolist()[2:] == pytest.approx([0.3678794, 1.0, 3.0])
    assert (y.diff() > 0).all()


def test_vectors_are_positive_and_of_unit_length() -> None:
    vectors = lexical_vector(torch.randn(5, 300))
    assert (vectors > 0).all()
    assert vectors.norm(dim=1).tolist() == pytest.approx([1.0] * 5, abs=1e-5)


def test_a_flat_vector_has_no_word_above_the_threshold() -> None:
    vectors = lexical_vector(torch.zeros(1, 17_149))
    assert vectors[0, 0].item() == pytest.approx(17_149**-0.5)
    assert int((sparsify(vectors) > 0).sum()) == 0


def test_the_maximum_before_the_activation_is_the_maximum_after_it() -> None:
    tokens, codebook = torch.randn(2, 7, 8), torch.randn(40, 8)
    after = elu1p(tokens @ codebook.T).amax(dim=1)
    assert torch.allclose(elu1p(image_logits(tokens, codebook)), after)
    assert torch.allclose(image_logits(tokens, codebook, chunk=16), image_logits(tokens, codebook))


def test_the_order_and_repetition_of_tokens_do_not_matter() -> None:
    tokens, codebook = torch.randn(1, 6, 8), torch.randn(40, 8)
    plain = image_logits(tokens, codebook)
    assert torch.allclose(plain, image_logits(tokens[:, torch.randperm(6)], codebook))
    assert torch.allclose(plain, image_logits(torch.cat([tokens, tokens[:, :2]], 1), codebook))


def test_top_k_keeps_the_heaviest_unchanged() -> None:
    vectors = lexical_vector(3 * torch.randn(3, 500))
    few = sparsify(vectors, top_k=5)
    assert ((few > 0).sum(dim=1) == 5).all()
    assert torch.equal(few[few > 0], vectors[few > 0])
    assert torch.equal(few.amax(dim=1), vectors.amax(dim=1))


def test_a_sample_of_words_measures_the_whole_vector() -> None:
    logits = torch.randn(4, 60)
    share = torch.ones(60)
    assert torch.allclose(lexical_vector(logits, share), lexical_vector(logits))
    twice = torch.cat([logits, logits], dim=1)
    assert torch.allclose(lexical_vector(logits, 2 * share), lexical_vector(twice)[:, :60])
    vectors = lexical_vector(logits)
    assert overuse(vectors, share).item() == pytest.approx(overuse(vectors).item(), rel=1e-5)


@pytest.mark.parametrize("floor", [0.0, 0.9])
def test_the_stored_form_keeps_what_stands_out(floor: float) -> None:
    vectors = lexical_vector(3 * torch.randn(3, 500))
    stored = stored_form(vectors, 5, floor=floor)
    best = vectors.topk(6, dim=1)
    assert torch.equal((stored > 0).sum(dim=1), torch.full((3,), 5))
    expected = best.values[:, :5] - floor * best.values[:, 5:]
    expected /= expected.norm(dim=1, keepdim=True)
    assert torch.allclose(stored.gather(1, best.indices[:, :5]), expected)


@pytest.mark.parametrize("floor", [0.0, 0.9])
@pytest.mark.parametrize("k", [1, 5, 300, 499])
def test_the_index_keeps_what_training_saw(k: int, floor: float) -> None:
    vectors = lexical_vector(3 * torch.randn(4, 500))
    stored = stored_form(vectors, k, floor=floor)
    above = sparsify(vectors)
    rows = [(row.nonzero()[:, 0].numpy(), row[row > 0].numpy()) for row in above]
    kept = heaviest(SparseVectors.from_rows(rows, 500), k, floor=floor)
    for i, row in enumerate(stored):
        ids, weights = kept.row(i)
        assert ids.tolist() == row.nonzero()[:, 0].tolist()
        assert weights == pytest.approx(row[row > 0].numpy(), abs=1e-6)


def test_a_sample_is_stored_as_the_words_it_stands_for() -> None:
    vectors = lexical_vector(3 * torch.randn(3, 500))
    alone = stored_sample(vectors, torch.ones(500), top_k=5, floor=0.9)
    assert torch.allclose(alone, stored_form(vectors, 5, floor=0.9), atol=1e-6)
    share = torch.ones(60)
    share[30:] = 10.0
    values = torch.linspace(1.0, 0.1, 60)[None]
    few = stored_sample(values, share, top_k=55, floor=0.5)
    assert int((few > 0).sum()) == 32
    assert (few.square() @ share).item() == pytest.approx(1.0)
    heavy_first = stored_sample(values.flip(1), share, top_k=5, floor=0.5)
    assert int((heavy_first > 0).sum()) == 1


def test_the_overuse_penalty_is_at_least_the_flops_loss() -> None:
    vectors = torch.rand(16, 50)
    assert overuse(vectors) >= flops(vectors)
    flat = torch.full((4, 10), 0.3)
    assert overuse(flat).item() == pytest.approx(flops(flat).item(), rel=1e-5)


def test_the_ramp_is_quadratic_and_ends_at_one() -> None:
    assert [quadratic_ramp(step, 4) for step in (0, 1, 2, 4, 9)] == [0, 1 / 16, 1 / 4, 1, 1]


@pytest.mark.shared
def test_the_numbers_of_the_golden_fixture_hold(shared: Path) -> None:
    from safetensors.torch import load_file

    values = load_file(str(shared / "golden" / "lexvla_math" / "io.safetensors"))
    s_txt = lexical_vector(values["in.z_txt"] @ values["in.Z_txt"].T)
    assert torch.allclose(s_txt, values["out.s_txt"], atol=1e-12)
    s_img = lexical_vector(image_logits(values["in.image_tokens"], values["in.Z_img"]))
    assert torch.allclose(s_img, values["out.s_img"], atol=1e-12)
    assert torch.allclose(elu1p(values["in.elu1p.x"]), values["out.elu1p.y"], atol=1e-12)
