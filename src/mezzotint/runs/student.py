"""The run of a student of the house model."""

from mezzotint.families.pixel_dit import PixelDiTConfig
from mezzotint.runs.icons import house
from mezzotint.training.methods.distribution_matching import MatchingConfig
from mezzotint.training.objective import ObjectiveConfig
from mezzotint.training.optim import OptimConfig
from mezzotint.training.student import StudentConfig, StudentRun


def student() -> StudentRun:
    """A student of a model that draws in many steps, by consistency: it draws in 1, 2 or 4 evaluations. On the house
    model's data; the network is its teacher's. Its 512 thousand views cost about as much as three times as many of
    pretraining, since its teacher is asked as well."""
    return StudentRun(
        name="student",
        network=PixelDiTConfig(flow_map=True, distilled_guidance=True),
        data=house().data,
        # one evaluation begins at t = 1, where logit-normal times hardly come
        objective=ObjectiveConfig(density="uniform"),
        student=StudentConfig(distribution_matching=MatchingConfig(times=(1.0, 0.75, 0.5, 0.25))),
        steps=8_000,
        batch=64,
        # it begins as a trained network: large steps would undo that
        optim=OptimConfig(muon_lr=5e-4, adam_lr=1e-4, warmup=0.02),
        compiled=True,
        precision="bf16",
        checkpoint_every=100,
        validate_every=500,
        validation=32,
        sample_every=1_000,
    )
