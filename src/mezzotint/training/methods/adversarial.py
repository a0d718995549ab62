"""Adversarial training: a generator against a critic that tells its pictures from real ones."""

import contextlib
from collections.abc import Callable, Iterator, Mapping
from typing import Generic, Protocol, TypeVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mezzotint.diffusion.noise import Purpose, normal_at
from mezzotint.errors import TrainingError
from mezzotint.training.adversarial import AdversarialConfig
from mezzotint.training.methods.beside import Beside

__all__ = ["Adversarial", "Critic", "Generator", "gradient_penalty", "paired_losses"]

C = TypeVar("C")
C_co = TypeVar("C_co", covariant=True)
C_contra = TypeVar("C_contra", contravariant=True)


class Generator(Protocol[C_contra]):
    """From noise to pictures, in one evaluation."""

    @property
    def latent(self) -> int:
        """How many numbers of noise a picture is made from."""
        ...

    def drawn(self, z: Tensor, cond: C_contra) -> Tensor:
        """Pictures (B, ...) from standard normals z (B, latent) and what they are conditioned on."""
        ...


class Real(Protocol[C_co]):
    """A batch to learn from: pictures x_0 (B, ...), their conditioning, and the draws that name their noise, (B,)."""

    @property
    def pictures(self) -> Tensor: ...

    @property
    def cond(self) -> C_co: ...

    @property
    def draws(self) -> Tensor: ...


Critic = Callable[[Tensor, C_contra], Tensor]
"""From pictures (B, ...) and their conditioning to how real each looks, (B,), any real number."""


def paired_losses(real: Tensor, fake: Tensor) -> tuple[Tensor, Tensor]:
    """What generator and critic lose on each pair of a real and a drawn picture, (B,), (B,), from the critic's says.

        generator  softplus(real − fake)        critic  softplus(fake − real)

    The relativistic pairing loss (Jolicoeur-Martineau 2019; Huang et al. 2024, R3GAN, arXiv 2501.05441, section 2, with
    f(t) = −log(1 + exp(−t)), the critic's sign turned round, and the generator's loss not saturating). Only the
    difference counts: the critic separates each drawn picture from a real one of the same prompt, and not all of them
    by one line, for which dropping modes would pay.
    """
    return F.softplus(real - fake), F.softplus(fake - real)


def gradient_penalty(critic: Critic[C], pictures: Tensor, cond: C) -> tuple[Tensor, Tensor]:
    """What the critic says of pictures, (B,), and |∇_x critic(x)|² at each of them, (B,), both with gradients.

    On real pictures its mean is R1, on drawn ones R2 (Mescheder et al. 2018, arXiv 1801.04406, section 4; R3GAN,
    section 2). A critic of a picture must not depend on the others of its batch.
    """
    x = pictures.detach().requires_grad_(True)
    says = critic(x, cond)
    (slope,) = torch.autograd.grad(says.sum(), x, create_graph=True)
    return says, slope.square().flatten(1).sum(1)


class Adversarial(Generic[C]):
    """The generator's losses are those of a batch; the critic's updates follow in `step`, on the same real pictures.

        generator  mean softplus(critic(x) − critic(g(z)))
        critic     mean softplus(critic(g(z)) − critic(x)) + gamma / 2 mean (R1 + R2)

    Each drawn picture has the prompt of the real one that it is paired with, and noise of its own for each of the
    updates, a function of (seed, draw). Without the penalties this game need not converge; with both it does, locally,
    as Huang et al. 2024 prove (R3GAN, arXiv 2501.05441, section 2 and appendix B).
    The penalty is differentiated by the critic's weights, so that the critic is differentiated twice; compiled code
    cannot, and neither can the fused attention of a GPU.

    steps: of the whole run, over which gamma changes. precision: "bf16" or "fp32", of matrix products.
    """

    def __init__(
        self,
        network: nn.Module,
        generator: Generator[C],
        critic: nn.Module,
        config: AdversarialConfig,
        *,
        steps: int,
        seed: int,
        betas: tuple[float, ...] = (0.0, 0.95),
        precision: str = "fp32",
    ) -> None:
        """`network` is what the loop trains; `generator` is the same thing as what draws."""
        self.network, self.generator, self.critic = network, generator, critic
        self.config, self.steps, self.seed, self.precision = config, steps, seed, precision
        self.beside = Beside(critic, betas)
        self._latest: Real[C] | None = None

    def losses(self, batch: Real[C]) -> Tensor:
        """The generator's loss of every pair, (B,), with its gradients and none of the critic's."""
        self._latest = batch
        with self._half(batch.pictures), _held(self.critic):
            fake = self.critic(self.generator.drawn(self._noise(batch, 0), batch.cond), batch.cond)
            with torch.no_grad():
                real = self.critic(batch.pictures, batch.cond)
        return paired_losses(real.float(), fake.float())[0]

    def step(self, lr: float, count: int) -> None:
        """The critic's updates after the generator's update number `count` (from 1).

        Raises `TrainingError` if their loss is not finite.
        """
        assert self._latest is not None, "no losses before the step"
        updates, gamma = self.config.critic_updates, self.config.gamma((count - 1) / self.steps)
        for turn in range(updates):
            loss = self.critic_losses(self._latest, turn, gamma).mean()
            if not bool(loss.isfinite()):
                raise TrainingError(
                    f"The critic's loss of update {count} is not finite; go on from the last checkpoint with a smaller "
                    "optim.adam_lr, or a larger adversarial.penalty."
                )
            torch.autograd.backward(loss)
            self.beside.step(self.config.critic_lr * lr, (count - 1) * updates + turn + 1)

    def critic_losses(self, batch: Real[C], turn: int, gamma: float) -> Tensor:
        """The critic's loss of every pair, (B,), in its turn number `turn`, with gradients of the critic alone."""
        with self._half(batch.pictures):
            with torch.no_grad():
                drawn = self.generator.drawn(self._noise(batch, 1 + turn), batch.cond)
            real, on_real = gradient_penalty(self.critic, batch.pictures, batch.cond)
            fake, on_fake = gradient_penalty(self.critic, drawn, batch.cond)
        return paired_losses(real.float(), fake.float())[1] + gamma / 2 * (on_real + on_fake)

    def state(self) -> Mapping[str, Tensor]:
        """The critic's weights and their moments."""
        return self.beside.state()

    def load(self, state: Mapping[str, Tensor]) -> None:
        """Restore what `state` gave."""
        self.beside.load(state)

    @torch.no_grad()
    def _noise(self, batch: Real[C], turn: int) -> Tensor:
        """Standard normals (B, latent): those of the generator's update (turn 0), and of each of the critic's."""
        shape = (1 + self.config.critic_updates, self.generator.latent)
        return normal_at(self.seed, batch.draws, Purpose.TRAIN_NOISE, shape)[:, turn]

    def _half(self, like: Tensor) -> contextlib.AbstractContextManager[object]:
        half = self.precision == "bf16"
        return torch.autocast(like.device.type, torch.bfloat16) if half else contextlib.nullcontext()


@contextlib.contextmanager
def _held(network: nn.Module) -> Iterator[None]:
    """Within the block no gradients of the network's weights are computed."""
    parameters = [p for p in network.parameters() if p.requires_grad]
    for parameter in parameters:
        parameter.requires_grad_(False)
    try:
        yield
    finally:
        for parameter in parameters:
            parameter.requires_grad_(True)
