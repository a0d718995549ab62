"""What matrices are multiplied with: heard whole, and over all that a student is told."""

from pathlib import Path

import pytest
import torch
from torch import nn

from mezzotint import Pipeline
from mezzotint.interfaces.inputs_seen import PROMPTS, inputs_seen, second_moments
from tests.support import model_folder


def test_second_moments_are_sums_over_all_inputs_of_each_linear_layer() -> None:
    network = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Sequential(nn.Linear(4, 2)))
    x = torch.randn(5, 6, 3, generator=torch.Generator().manual_seed(0))

    def run() -> None:
        for part in x:
            network(part)

    found = second_moments(network, run)
    rows = x.reshape(-1, 3).double()
    hidden = network[:2](x).detach().reshape(-1, 4).double()
    assert list(found) == ["0.weight", "2.0.weight"]
    torch.testing.assert_close(found["0.weight"], rows.T @ rows)
    torch.testing.assert_close(found["2.0.weight"], hidden.T @ hidden)
    assert not network[0]._forward_pre_hooks, "nobody listens afterwards"
    with pytest.raises(RuntimeError):
        second_moments(network, lambda: network(torch.zeros(1, 9)))
    assert not network[0]._forward_pre_hooks


def test_every_layer_is_heard_in_every_number_of_steps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pipe = Pipeline.load(str(model_folder(tmp_path / "m")), device="cpu", dtype="float32")
    asked: list[tuple[str, int, str | None]] = []
    generate = Pipeline.generate

    def hear(self: Pipeline, prompt: str, **options: object) -> object:
        asked.append((prompt, options.get("steps"), options["style"]))  # type: ignore[arg-type]
        return generate(self, prompt, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(Pipeline, "generate", hear)
    done: list[tuple[int, int]] = []
    found = inputs_seen(pipe.model, [1, 2], lambda *far: done.append(far))
    network = pipe.model.denoiser.network
    assert isinstance(network, nn.Module)
    sizes = {
        f"{name}.weight": layer.in_features for name, layer in network.named_modules() if isinstance(layer, nn.Linear)
    }
    assert {name: len(moment) for name, moment in found.items()} == sizes
    assert [(prompt, steps) for prompt, steps, _ in asked] == [
        (prompt, steps) for steps in (1, 2) for prompt in PROMPTS
    ]
    assert {style for _, _, style in asked} == {"none", *pipe.model.conditioner.styles}
    assert done[-1] == (2 * len(PROMPTS), 2 * len(PROMPTS))
