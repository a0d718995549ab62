"""The run of the encoder that measures pictures and prompts."""

from mezzotint.conditioning.letters import KINDS
from mezzotint.families.twin_encoder import TwinEncoderConfig
from mezzotint.training.config import DataConfig, EncoderRun
from mezzotint.training.optim import OptimConfig


def encoder() -> EncoderRun:
    """The image–text encoder on two CPU cores: 3.8 M parameters, a million views, half of them composed scenes."""
    return EncoderRun(
        name="encoder",
        network=TwinEncoderConfig(letters=KINDS, word_length=12),
        data=DataConfig(scenes=0.5),
        steps=4_000,
        batch=256,
        optim=OptimConfig(muon_lr=2e-3, adam_lr=1e-3, warmup=0.02),
        compiled=True,
        precision="bf16",
        checkpoint_every=100,
        validate_every=200,
    )
