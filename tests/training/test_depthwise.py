import pytest

torch = pytest.importorskip("torch", reason="training has requirements of its own: training/requirements.txt")

from training.depthwise import Depthwise


@pytest.mark.parametrize("precision", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize(("channels", "kernel", "sides"), [(32, 5, (12, 9)), (48, 7, (6, 6)), (3, 3, (1, 2))])
def test_answers_and_gradients_are_pytorchs(channels, kernel, sides, precision):
    torch.manual_seed(0)
    ours = Depthwise(channels, kernel)
    theirs = torch.nn.Conv2d(channels, channels, kernel, padding=kernel // 2, groups=channels, bias=False)
    theirs.load_state_dict(ours.state_dict())
    seen = torch.randn(4, channels, *sides).to(precision).to(memory_format=torch.channels_last)
    back = torch.randn(4, channels, *sides).to(precision)
    results = []
    for network in (ours, theirs):
        given = seen.clone().requires_grad_()
        # In double precision, which rounds nothing away, where PyTorch computes.
        answer = network(given) if network is ours else network.double()(given.double())
        answer.backward(back.to(answer.dtype))
        results.append([answer, given.grad, network.weight.grad])
    close = 0.02 if precision == torch.bfloat16 else 1e-5
    for one, other in zip(*results, strict=True):
        assert (one.double() - other.double()).abs().max() <= close * other.abs().max()
    assert results[0][2].dtype == torch.float32


def test_in_use_it_is_pytorchs_own():
    layer = Depthwise(16, 5).eval()
    image = torch.randn(1, 16, 8, 8)
    assert torch.equal(layer(image), torch.conv2d(image, layer.weight, padding=2, groups=16))
