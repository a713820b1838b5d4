"""The optimizer of the dense convolutions."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed: training/requirements.txt")

from training.muon import SCALE, Muon, orthogonal


@pytest.mark.parametrize("precision", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("shape", [(16, 16), (16, 144), (144, 16), (1, 9), (64, 32)])
def test_all_directions_go_equally_far(shape: tuple[int, int], precision: torch.dtype) -> None:
    torch.manual_seed(0)
    matrices = torch.randn(3, *shape)
    together = orthogonal(matrices, precision)
    assert (together.shape, together.dtype) == (matrices.shape, torch.float32)
    for matrix, found in zip(matrices, together, strict=True):
        values = torch.linalg.svdvals(found)
        clear = torch.linalg.svdvals(matrix / matrix.norm()) > 0.01
        assert values[clear].min() > 0.5
        assert values.max() < 1.3
        assert (found * matrix).sum() > 0  # and it is still that way that they go


def test_nothing_comes_of_nothing() -> None:
    assert orthogonal(torch.zeros(1, 4, 6)).abs().max() == 0


def test_steps_are_as_large_as_adamws() -> None:
    torch.manual_seed(0)
    weight = torch.zeros(32, 16, 3, 3, requires_grad=True)
    optimizer = Muon([weight], decay=0.0)
    optimizer.param_groups[0]["lr"] = 0.01
    weight.grad = torch.randn_like(weight)
    optimizer.step()
    root_mean_square = weight.detach().square().mean().sqrt()
    assert root_mean_square == pytest.approx(0.01 * SCALE, rel=0.2)


def test_it_finds_the_minimum_and_decays() -> None:
    torch.manual_seed(0)
    truth = torch.randn(8, 4, 3, 3) * 0.1
    weight = torch.zeros_like(truth, requires_grad=True)
    optimizer = Muon([weight], decay=0.0)
    for step in range(300):
        optimizer.param_groups[0]["lr"] = 0.05 * (1 - step / 300)
        weight.grad = weight.detach() - truth
        optimizer.step()
    assert (weight - truth).norm() < 0.1 * truth.norm()
    decayed = torch.ones(2, 2, 1, 1, requires_grad=True)
    optimizer = Muon([decayed], decay=0.5)
    optimizer.param_groups[0]["lr"] = 0.1
    decayed.grad = torch.zeros_like(decayed)
    optimizer.step()
    assert torch.allclose(decayed, torch.full_like(decayed, 0.95))
