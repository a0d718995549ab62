"""What goes to a device and comes back: the same values, and on a GPU without waiting."""

import pytest
import torch

from mezzotint.conditioning.conditioning import Conditioning
from mezzotint.training.transfer import Reply, sent, sent_prompt

needs_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
CPU = torch.device("cpu")


def test_on_the_cpu_nothing_is_copied_and_a_reply_is_the_number() -> None:
    here = torch.arange(6.0)
    assert sent(here, CPU) is here
    assert Reply(torch.stack([here.mean(), here.max()])).values() == [2.5, 5.0]


def test_a_prompt_keeps_what_it_has_and_what_it_lacks() -> None:
    cond = Conditioning(torch.rand(2, 3, 4), torch.ones(2, 3, dtype=torch.bool), torch.tensor([0, 5]))
    there = sent_prompt(cond, CPU)
    assert there.tokens is cond.tokens
    assert there.style is cond.style
    assert (there.letters, there.weights) == (None, None)


@needs_gpu
def test_a_gpu_gets_the_values_without_being_waited_for_and_replies_before_it_is_done() -> None:
    cuda, busy = torch.device("cuda"), torch.rand(8192, 8192, device="cuda")
    torch.cuda.synchronize()
    reply = Reply(torch.tensor([2.5, 5.0], device=cuda))
    for _ in range(20):
        busy = busy @ busy
        busy /= busy.norm()
    end = torch.cuda.Event()  # type: ignore[no-untyped-call]
    there = [sent(torch.full((1000,), float(n)), cuda) for n in range(20)]  # their pages are free again at once
    end.record()
    assert reply.values() == [2.5, 5.0]
    assert not end.query()  # type: ignore[no-untyped-call]
    assert [float(one.sum()) for one in there] == [1000.0 * n for n in range(20)]
