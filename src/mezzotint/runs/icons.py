"""The house model's runs."""

from dataclasses import replace

from mezzotint.conditioning.letters import KINDS
from mezzotint.families.pixel_dit import PixelDiTConfig
from mezzotint.training.augment import LABELS
from mezzotint.training.config import AugmentConfig, DataConfig, ObjectiveConfig, RunConfig
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
    """The house model with scenes and avatars: it counts, relates, colours, spells, and draws faces. 8.2 M parameters,
    4 million views of icons, composed scenes and faces; hours of two CPU cores with AMX."""
    base = icons()
    return replace(
        base,
        name="house",
        network=replace(base.network, text_depth=2, letters=KINDS, word_length=12, augments=LABELS),
        data=DataConfig(scenes=0.4, avatars=0.15),
        augment=AugmentConfig(share=0.3),
        steps=31_250,
        sample_every=1_200,
    )


def icons_gpu() -> RunConfig:
    """A larger house model for 25 minutes of one H100: 24.5 M parameters, 20 million views, about 190 PFLOP.

    Patches stay 8 pixels wide, so that the model still draws on a CPU in about half a second.
    """
    return replace(
        icons(),
        name="icons_gpu",
        network=PixelDiTConfig(width=448, depth=9, heads=7, hidden=1192, bottleneck=192),
        steps=20_000,
        batch=1024,
        optim=OptimConfig(muon_lr=1e-3, adam_lr=3e-4),
        checkpoint_every=1_000,
        validate_every=1_000,
        sample_every=5_000,
    )
