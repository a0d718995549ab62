"""Peers on the exact mixture keep to a budget and end near the truth, each of them."""

from importlib.util import find_spec

import pytest
import torch
from torch import Tensor

from benchmarks import peers
from benchmarks.peers import DIFFUSERS, diffusers_end
from benchmarks.solver_runs import end, rms
from benchmarks.solvers import mixture, starts
from mezzotint.diffusion import Bound, GaussianMixture, Prediction, VPScaledLinear
from mezzotint.diffusion.timegrid import trailing


class Counting(GaussianMixture):
    asked = 0

    def __call__(self, x_t: Tensor, t: Tensor, *arguments: object, **options: object) -> Prediction:
        Counting.asked += 1
        return super().__call__(x_t, t)


def test_every_scheduler_of_diffusers_keeps_to_its_budget_and_ends_near_the_truth() -> None:
    pytest.importorskip("diffusers")
    exact, x = mixture(), starts(0, 8)
    counting = Counting(exact.schedule, exact.means, exact.variances, exact.weights)
    truth = end(Bound(exact, {}), x, trailing(100, VPScaledLinear()), "unipc-3")
    names = [name for name in DIFFUSERS if find_spec("scipy") or not ("beta" in name or "LMS" in name)]
    assert len(names) > 50
    for name in names:
        Counting.asked = 0
        found = diffusers_end(name, 20, counting, x)
        assert Counting.asked <= 20, name
        assert rms(found, truth) < rms(x, truth) / 2, name


def test_a_missing_peer_is_told_and_not_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(peers, "find_spec", lambda name: None if name == "scipy" else object())
    with pytest.raises(
        ImportError, match=r"scipy is not installed, without which peers are missing: pip install scipy"
    ):
        peers.check_complete()
    monkeypatch.setattr(peers, "find_spec", lambda name: object())
    monkeypatch.setattr(peers, "k_sampling", lambda: None)
    with pytest.raises(ImportError, match="k-diffusion is not installed"):
        peers.check_complete()


def test_pndm_with_too_few_evaluations_for_its_first_steps_has_no_end() -> None:
    pytest.importorskip("diffusers")
    assert torch.isnan(diffusers_end("PNDM leading", 8, mixture(), starts(0, 2))).all()
