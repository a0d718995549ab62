"""The run of a student of the house model."""

from mezzotint.families.pixel_dit import PixelDiTConfig
from mezzotint.runs.icons import house
from mezzotint.training.methods.distribution_matching import MatchingConfig
from mezzotint.training.objective import ObjectiveConfig
from mezzotint.training.optim import OptimConfig
from mezzotint.training.student import StudentConfig, StudentRun


def student() -> StudentRun:
    """A student of a model that draws in many steps, from whole trajectories of it: it draws in 1, 2 or 4 evaluations.
    With prompts of the house model's data; the network is its teacher's. An update costs about twice what one of
    pretraining does, since its teacher draws as well: hours of two CPU cores, or as many as --minutes allows."""
    return StudentRun(
        name="student",
        network=PixelDiTConfig(flow_map=True, distilled_guidance=True),
        data=house().data,
        # by consistency one evaluation begins at t = 1, where logit-normal times hardly come
        objective=ObjectiveConfig(density="uniform"),
        student=StudentConfig(
            method="trajectory",
            guidance=(2.0, 6.0),
            distribution_matching=MatchingConfig(times=(1.0, 0.75, 0.5, 0.25)),
        ),
        steps=5_000,
        batch=96,
        # it begins as a trained network: large steps would undo that; and Adam's difference is of low rank, as a small
        # file wants it, where Muon's is of full
        optim=OptimConfig(muon=False, muon_lr=5e-4, adam_lr=2e-4, warmup=0.02, decay=0.7),
        compiled=True,
        precision="bf16",
        checkpoint_every=100,
        validate_every=500,
        validation=32,
        sample_every=1_000,
    )
