"""NF4 by hand: against values written down, against its definition, and as a layer that trains."""

from statistics import NormalDist

import pytest
import torch
from torch import nn

from smolcourse.errors import CourseError
from smolcourse.topics import nf4


def levels_from_quantiles(offset: float = 0.9677083) -> list[float]:
    """The 16 levels derived: quantiles of a normal distribution, scaled to [-1, 1].

    Eight on the positive side, seven on the negative one, and an exact zero, so that padding
    and pruned weights stay zero. `offset` is the outermost quantile (bitsandbytes' choice).
    """
    quantile = NormalDist().inv_cdf

    def side(count: int) -> list[float]:
        step = (offset - 0.5) / count
        return [quantile(offset - i * step) for i in range(count)]

    levels = sorted([-q for q in side(7)] + [0.0] + side(8))
    return [level / levels[-1] for level in levels]


def test_the_levels_are_the_quantiles_that_the_paper_describes():
    assert tuple(sorted(nf4.LEVELS)) == nf4.LEVELS and len(nf4.LEVELS) == 16
    derived = levels_from_quantiles()
    assert derived == pytest.approx(nf4.LEVELS, abs=1e-6)
    assert derived[7] == 0.0 and (derived[0], derived[15]) == (-1.0, 1.0)


def test_codes_scales_and_values_written_down():
    # The largest of the first block is -2, of the second 0.5; the third holds only zeros.
    weights = torch.tensor([[-2.0, 1.0, 0.0, 0.2], [0.5, 0.1, -0.05, -0.5]])
    packed = nf4.quantise(torch.cat([weights.flatten(), torch.zeros(4)]), block=4)
    assert packed.scales.tolist() == [2.0, 0.5, 0.0]
    # -1, 0.5 (nearest: 0.4407), 0, 0.1 (0.0796); 1, 0.2 (0.1609), -0.1 (-0.0911), -1; zeros
    codes = [[0, 12], [7, 8], [15, 9], [6, 0], [7, 7], [7, 7]]
    assert packed.codes.tolist() == [16 * high + low for high, low in codes]
    want = [-2.0, 0.88141966, 0.0, 0.1591606, 0.5, 0.0804651, -0.04552502, -0.5, 0, 0, 0, 0]
    assert torch.allclose(nf4.dequantise(packed), torch.tensor(want), atol=1e-6)


def test_each_weight_goes_to_the_nearest_level_of_its_block():
    torch.manual_seed(0)
    weights = torch.randn(7, 30)  # 210 weights: the last block of 64 is not full
    packed = nf4.quantise(weights)
    back = nf4.dequantise(packed)
    assert back.shape == weights.shape and packed.nbytes == 4 * 64 // 2 + 4 * 4
    levels = torch.tensor(nf4.LEVELS)
    for at, (w, b) in enumerate(zip(weights.flatten(), back.flatten(), strict=True)):
        scale = weights.flatten()[at // 64 * 64 : at // 64 * 64 + 64].abs().max()
        assert (b - w).abs() == pytest.approx((levels * scale - w).abs().min().item(), abs=1e-6)
    # The largest of a block keeps its value, and quantising twice changes nothing more.
    assert torch.equal(nf4.dequantise(nf4.quantise(back)), back)


def test_bits_per_weight_are_the_papers():
    assert nf4.bits_per_weight(64) == 4.5
    assert nf4.bits_per_weight(64, double_quantised=True) == pytest.approx(4.127, abs=5e-4)
    packed = nf4.quantise(torch.randn(64, 64))
    assert 8 * packed.nbytes / 4096 == nf4.bits_per_weight()


@pytest.mark.parametrize(
    ("weights", "block", "word"),
    [
        (torch.ones(4), 3, "even"),
        (torch.ones(4), 0, "even"),
        (torch.tensor([1.0, float("nan")]), 2, "finite"),
        (torch.tensor([1.0, float("inf")]), 2, "finite"),
    ],
)
def test_bad_input_is_one_sentence(weights, block, word):
    with pytest.raises(CourseError, match=word) as caught:
        nf4.quantise(weights, block)
    assert str(caught.value).count(".") == 1 or str(caught.value).endswith(".")


def test_fifteen_levels_are_refused():
    with pytest.raises(CourseError, match="16 levels"):
        nf4.quantise(torch.ones(4), 2, levels=nf4.LEVELS[:15])


def test_the_layer_computes_and_differentiates_like_its_dequantised_weights():
    torch.manual_seed(0)
    linear = nn.Linear(96, 40)
    frozen = nf4.NF4Linear(linear)
    plain = nn.Linear(96, 40)
    plain.weight.data, plain.bias.data = frozen.weight, linear.bias.data
    x = torch.randn(3, 5, 96)
    slopes = []
    for layer in (frozen, plain):
        leaf = x.clone().requires_grad_()
        out = layer(leaf)
        out.square().sum().backward()
        slopes.append((out.detach(), leaf.grad))
    assert torch.allclose(slopes[0][0], slopes[1][0], atol=1e-5)
    assert torch.allclose(slopes[0][1], slopes[1][1], atol=1e-4)
    assert not list(frozen.parameters())  # nothing of it trains


def test_no_float_copy_of_the_weights_waits_for_the_backward_pass():
    frozen, kept = nf4.NF4Linear(nn.Linear(512, 512, bias=False)), []
    x = torch.randn(2, 512, requires_grad=True)
    pack = lambda tensor: kept.append(tensor.nbytes) or tensor  # noqa: E731
    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        frozen(x)
    assert sum(kept) == frozen.codes.nbytes + frozen.scales.nbytes < 512 * 512


def test_lora_trains_on_a_base_in_4_bits(model):
    import copy

    from peft import LoraConfig, get_peft_model

    torch.manual_seed(0)
    small = get_peft_model(copy.deepcopy(model), LoraConfig(r=4, target_modules="all-linear"))
    assert nf4.freeze_in_4_bits(small, block=32) is small
    frozen = [m for m in small.modules() if isinstance(m, nf4.NF4Linear)]
    assert len(frozen) == 2 * 7  # two layers: q, k, v, o, gate, up, down
    ids = torch.randint(3, 259, (4, 12))
    trained = [p for p in small.parameters() if p.requires_grad]
    codes = [m.codes.clone() for m in frozen]
    optimizer = torch.optim.AdamW(trained, lr=1e-2)
    losses = []
    for _ in range(15):
        loss = small(input_ids=ids, labels=ids).loss
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        losses.append(loss.item())
    assert losses[-1] < 0.8 * losses[0]
    assert all(torch.equal(m.codes, c) for m, c in zip(frozen, codes, strict=True))


def test_a_model_that_trains_everywhere_is_not_quantised(model):
    with pytest.raises(CourseError, match="freeze the base"):
        nf4.freeze_in_4_bits(nn.Sequential(nn.Linear(4, 4)))
