"""Between is what the benchmark says it is."""

import pytest
import torch

from benchmarks.blends import judged, summed


def towards(*angles: float) -> torch.Tensor:
    """Features of length 1 at these angles."""
    told = torch.tensor(angles)
    return torch.stack([torch.cos(told), torch.sin(told), torch.zeros(len(angles))], dim=1)


def test_a_way_from_one_to_the_other_lies_between_and_others_do_not() -> None:
    a, b = towards(0.0, 1.2)
    others = torch.tensor([[0.0, 0.0, 1.0], [0.0, 0.6, 0.8]])
    way = judged(towards(0.3, 0.6, 0.9), a, b, others)
    assert (way["comparisons"], way["near"], way["nearest"], way["between"], way["lens"]) == (4, 3, 3, True, 3)
    back = judged(towards(0.9, 0.6, 0.3), a, b, others)
    assert (back["comparisons"], back["near"], back["between"], back["lens"]) == (0, 3, False, 3)
    aside = judged(torch.tensor([[0.0, 0.0, -1.0]] * 3), a, b, others)
    assert (aside["comparisons"], aside["near"], aside["between"], aside["lens"]) == (0, 0, False, 0)
    beyond = judged(towards(-0.3, 0.6, 1.5), a, b, others)  # the way goes on behind both of them
    assert (beyond["comparisons"], beyond["lens"]) == (4, 1)
    both = summed([way, back])
    assert (both["between"], both["comparisons"], both["near"]) == (0.5, 0.5, 1.0)
    assert both["cos_to_a"] == pytest.approx([torch.cos(torch.tensor(x)).item() for x in (0.6, 0.6, 0.6)], abs=0.06)
