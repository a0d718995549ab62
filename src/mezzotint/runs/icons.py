"""The house model's runs."""

from dataclasses import replace

from mezzotint.conditioning.letters import KINDS
from mezzotint.families.pixel_dit import PixelDiTConfig
from mezzotint.training.augment import LABELS
from mezzotint.training.config import AugmentConfig, DataConfig, RunConfig
from mezzotint.training.objective import ObjectiveConfig
from mezzotint.training.optim import OptimConfig


def icons() -> RunConfig:
    """The house model on two CPU cores: 7.4 M parameters, 1.6 million views of 64×64 pictures, about 6 hours."""
    return RunConfig(
        name="icons",
        network=PixelDiTConfig(),
        steps=12_500,
        batch=128,
        # what a caption decides, it decides at t > 0.9: 12 % of these times, but 1.4 % of logit-normal (0, 1)
        objective=ObjectiveConfig(time_mean=0.8, time_std=1.2),
        optim=OptimConfig(muon_lr=2e-3, adam_lr=5e-4, warmup=0.01),
        compiled=True,
        precision="bf16",
        checkpoint_every=150,
        validate_every=300,
        sample_every=600,
    )


def house() -> RunConfig:
    """The house model with scenes and avatars: it counts, relates, colours, spells, and draws faces and hands. 8.6 M
    parameters, 4 million views of icons, composed scenes and faces; hours of two CPU cores with AMX."""
    base = icons()
    return replace(
        base,
        name="house",
        network=replace(
            base.network, text_depth=2, letters=KINDS, word_length=12, augments=LABELS, detail=64, detail_depth=3
        ),
        data=DataConfig(scenes=0.4, avatars=0.15, hands=0.06),
        augment=AugmentConfig(share=0.3),
        steps=31_250,
        sample_every=1_200,
    )


def house_gpu() -> RunConfig:
    """The house model on a GPU: 10.2 M parameters in ten blocks, 12 million views, six in ten of them scenes.

    With --minutes it ends when a lent machine does. Batches are no larger than that: 2,000 updates of 768 pictures gave
    a lower loss than 12,000 of 128, but worse shapes.
    """
    base = house()
    return replace(
        base,
        name="house_gpu",
        network=replace(base.network, depth=10, word_length=11),
        data=DataConfig(scenes=0.62, avatars=0.08, hands=0.06, echo=3),
        objective=replace(base.objective, time_mean=1.1, time_std=1.3),
        steps=24_000,
        batch=512,
        optim=replace(base.optim, warmup=0.02, decay=0.4),
        checkpoint_every=2_000,
        keep=24,
        validate_every=1_000,
        sample_every=24_000,
    )
