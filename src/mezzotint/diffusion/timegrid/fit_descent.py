"""Levenberg's and Marquardt's way to times and numbers of `fitted-2m` that end nearest to the truth, with secants."""

import math
from collections.abc import Callable, Sequence
from dataclasses import replace

import torch
from torch import Tensor

from mezzotint.diffusion.timegrid.fit_ends import Share, Trial, moved, unknowns

__all__ = ["derivatives", "fitting_error", "followed", "judged_error", "most_steps", "normal_equations", "settled"]

NUDGE, NUDGE_OF_TIME = 2e-3, 4e-3
"""By how much a number, and half the log-SNR of a time, is moved to see what follows."""
LEAST_DAMPING, HARDER = 1e-4, 8.0
"""The damping is this at least; where a step does not help, this many times more."""
WORSE = 1.01
"""So many times its error before may a step make that of what judges: a little is chance."""
MOVES, TRIES = 16, 6
"""Steps with the same derivatives, corrected by secants; and how many in a row that do not help."""
ENOUGH = 5e-3
"""Derivatives that lower the error of those that judge by less, as a share of it, are the last."""
TOGETHER = 1 << 16
"""Elements of the ends that are summed in float64 at once."""

Told = Callable[[int], None]
"""Hears how many steps were made since it heard last."""


def settled(shares: Sequence[Share], trial: Trial, rounds: int, told: Told = lambda _: None) -> Trial:
    """The run nearest to where the truth ends that Levenberg–Marquardt finds from this one on (Marquardt 1963,
    doi 10.1137/0111030): with J the derivatives of all ends by the unknowns u and r what is missing,

        u' = u + (JᵀJ + μ (diag JᵀJ + δ))⁻¹ Jᵀ r,

    δ a thousandth of the mean of the diagonal. J is found by moving each unknown a little, and making the steps after
    it; so nothing is kept for a backward pass, and any denoiser will do that computes in float32 or better. As that
    costs about 2 N steps for each of N steps, and a try of u' only N, J serves for many tries: what each shows corrects
    it along the way that was gone (`followed`). J and r are those of the shares that do not judge, and a step must help
    these, and not make it worse than `WORSE` for those that do; where it does not, μ grows. Of all runs on the way, the
    one is given that is best for the judges. rounds: how often J is found, at most.
    """
    damping, best = LEAST_DAMPING, trial
    for _ in range(rounds):
        slopes = derivatives(shares, trial, told)
        if not slopes.any():  # whatever is changed, the ends stay
            break
        visited, damping = followed(shares, trial, slopes, damping, told)
        trial, before = visited[-1], judged_error(shares, best)
        best = min((best, *visited), key=lambda one: judged_error(shares, one))
        if 1 - judged_error(shares, best) / before < ENOUGH:
            break
    return best


def fitting_error(shares: Sequence[Share], trial: Trial) -> float:
    """The root of the sum of the squares of the errors of the shares that do not judge."""
    return math.hypot(*(error for error, share in zip(trial.errors, shares, strict=True) if not share.judges))


def judged_error(shares: Sequence[Share], trial: Trial) -> float:
    """That of those that do; where none does, of all."""
    judges = [error for error, share in zip(trial.errors, shares, strict=True) if share.judges]
    return math.hypot(*(judges or trial.errors))


def most_steps(steps: int, rounds: int, guided: bool = True) -> int:
    """How many steps `settled` makes at most."""
    return rounds * (sum(steps - unknown.step for unknown in unknowns(steps, guided)) + MOVES * steps)


def followed(
    shares: Sequence[Share], trial: Trial, slopes: Tensor, damping: float, told: Told = lambda _: None
) -> tuple[list[Trial], float]:
    """The runs that steps with these derivatives lead to, this one first, and the damping of the last step.

    After each step h, whether it helps or not, with y the change of the ends that it made,

        J' = J + (y − J h) (D h)ᵀ / (hᵀ D h),   D = diag JᵀJ + δ,

    the least change of J, in the unknowns' own units, that gives y (Broyden 1965, Mathematics of Computation 19, 577,
    eq. 4.5). slopes: is changed in place.
    """
    helped, failed, visited = damping, 0, [trial]
    worst = WORSE * judged_error(shares, trial)
    for _ in range(MOVES):
        gram, right = normal_equations(shares, trial, slopes)
        scale = gram.diagonal() + 1e-3 * gram.diagonal().mean()
        move = torch.linalg.solve(gram + damping * torch.diag(scale), right)
        found = moved(shares, trial, dict(zip(trial.unknowns, move.tolist(), strict=True)))
        told(len(trial.times) - 1)
        if found is not None:
            seen = _fitting_ends(shares, found) - _fitting_ends(shares, trial)
            by = (scale * move / (move @ (scale * move))).to(slopes)
            slopes += torch.outer(by, seen - move.to(slopes) @ slopes)
        gained = 0.0 if found is None else 1 - fitting_error(shares, found) / fitting_error(shares, trial)
        if found is None or gained <= 0 or judged_error(shares, found) > worst:
            damping, failed = damping * HARDER, failed + 1
            if failed == TRIES:
                break
            continue
        helped = damping = max(damping / HARDER, LEAST_DAMPING)
        trial, failed = found, 0
        visited.append(trial)
        if gained < ENOUGH / 4:
            break
    return visited, helped


def derivatives(shares: Sequence[Share], trial: Trial, told: Told = lambda _: None) -> Tensor:
    """Jᵀ (unknowns, elements): those of the ends of the shares that do not judge."""
    own = [place for place, share in enumerate(shares) if not share.judges]
    shares = [shares[place] for place in own]
    stops = tuple(tuple(stops[place] for place in own) for stops in trial.stops)
    trial = replace(trial, stops=stops, errors=tuple(trial.errors[place] for place in own))
    steps, here = len(trial.times) - 1, _fitting_ends(shares, trial)
    slopes = here.new_empty(len(trial.unknowns), len(here))
    for row, unknown in zip(slopes, trial.unknowns, strict=True):
        by = NUDGE_OF_TIME if unknown.what == "time" else NUDGE
        there = moved(shares, trial, {unknown: by})
        if there is None:  # it is as large as it may be
            by = -by
            there = moved(shares, trial, {unknown: by}) or trial
        told(steps - unknown.step)
        row.copy_((_fitting_ends(shares, there) - here) / by)
    return slopes


def normal_equations(shares: Sequence[Share], trial: Trial, slopes: Tensor) -> tuple[Tensor, Tensor]:
    """JᵀJ and Jᵀr, in float64 on the CPU."""
    truth = torch.cat([share.truth(0.0).flatten() for share in shares if not share.judges])
    missing = truth - _fitting_ends(shares, trial)
    gram, right = slopes.new_zeros(len(slopes), len(slopes), dtype=torch.float64), missing.new_zeros(())
    for part, wanted in zip(torch.split(slopes, TOGETHER, 1), torch.split(missing, TOGETHER), strict=True):
        rows = part.double()
        gram, right = gram + rows @ rows.T, right + rows @ wanted.double()
    return gram.cpu(), right.cpu()


def _fitting_ends(shares: Sequence[Share], trial: Trial) -> Tensor:
    """The ends of the shares that do not judge, in one row."""
    return torch.cat([end.flatten() for end, share in zip(trial.ends, shares, strict=True) if not share.judges])
