"""Measured memory: against tensors whose size is known."""

import pytest
import torch
from torch import nn

from smolcourse.errors import CourseError
from smolcourse.topics import training_memory as memory


def test_held_bytes_are_those_of_the_tensors():
    layer = nn.Linear(100, 50)
    optimizer = torch.optim.AdamW(layer.parameters())
    assert memory.held(layer) == {"weights": 4 * 5050, "gradients": 0, "optimizer": 0}
    layer(torch.ones(1, 100)).sum().backward()
    optimizer.step()
    want = {"weights": 4 * 5050, "gradients": 4 * 5050, "optimizer": 8 * 5050}
    assert memory.held(layer, optimizer) == want


def test_shared_weights_count_once():
    pair = nn.ModuleList([nn.Embedding(10, 4), nn.Linear(4, 10, bias=False)])
    pair[1].weight = pair[0].weight
    assert memory.held(pair)["weights"] == 160


@pytest.mark.skipif(torch.cuda.is_available(), reason="the CPU's way of measuring")
def test_the_peak_of_a_step_is_what_lives_at_the_same_time():
    def step():
        first = torch.ones(1_000_000)  # 4 MB
        second = first + 1  # 8 MB are alive here
        del first
        third = torch.ones(500_000)  # 6 MB
        return second.sum() + third.sum()

    measured = memory.measure(step)
    assert 8e6 <= measured.peak < 8.1e6 and measured.seconds > 0
    with pytest.raises(CourseError, match="No memory"):
        memory.measure(lambda: None)
