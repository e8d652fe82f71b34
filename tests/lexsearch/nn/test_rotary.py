"""Rotary positions: the invariants of TULIP's text tower."""

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed")

from lexsearch.nn.rotary import angles, expanded_theta, rotate  # noqa: E402
from lexsearch.nn.text import TextTower, masked_mean  # noqa: E402


def test_the_product_of_query_and_key_depends_on_their_distance_alone() -> None:
    cosine, sine = angles(64, 16)
    q, k = torch.randn(16), torch.randn(16)
    near = rotate(q, cosine[3], sine[3]) @ rotate(k, cosine[10], sine[10])
    far = rotate(q, cosine[40], sine[40]) @ rotate(k, cosine[47], sine[47])
    assert near.item() == pytest.approx(far.item(), abs=1e-5)


def test_turning_keeps_lengths_and_the_first_position_is_the_identity() -> None:
    cosine, sine = angles(8, 16)
    x = torch.randn(8, 16)
    turned = rotate(x, cosine, sine)
    assert torch.allclose(turned.norm(dim=-1), x.norm(dim=-1), atol=1e-5)
    assert torch.equal(turned[0], x[0])


def test_a_pair_turns_by_its_angle() -> None:
    cosine, sine = angles(2, 2)
    turned = rotate(torch.tensor([[1.0, 0.0]]), cosine[1:], sine[1:])
    assert turned[0].tolist() == pytest.approx([0.5403023, 0.8414710])


@pytest.mark.parametrize(
    ("trained", "wanted", "theta"),
    [(77, 248, 206278.42), (200, 600, 186269.10), (248, 600, 133985.45), (248, 248, 10000.0)],
)
def test_theta_of_an_expanded_length(trained: int, wanted: int, theta: float) -> None:
    assert expanded_theta(trained, wanted, 64) == pytest.approx(theta, abs=0.01)


def test_padding_changes_nothing() -> None:
    torch.manual_seed(0)
    tower = TextTower(vocab_size=50, width=32, depth=2, heads=2).eval()
    ids = torch.tensor([[1, 7, 9, 2]])
    padded = torch.tensor([[1, 7, 9, 2, 0, 0, 0]])
    with torch.inference_mode():
        alone = masked_mean(tower(ids), None)
        mask = padded != 0
        batched = masked_mean(tower(padded, mask), mask)
    assert torch.allclose(alone, batched, atol=1e-5)


def test_the_order_of_tokens_matters_without_a_table_of_positions() -> None:
    torch.manual_seed(0)
    tower = TextTower(vocab_size=50, width=32, depth=2, heads=2).eval()
    assert not any("position" in name for name, _ in tower.named_parameters())
    with torch.inference_mode():
        a = tower(torch.tensor([[1, 7, 9, 2]])).mean(dim=1)
        b = tower(torch.tensor([[1, 9, 7, 2]])).mean(dim=1)
    assert not torch.allclose(a, b, atol=1e-4)
