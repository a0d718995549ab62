"""Differences that several names have in common."""

__all__ = ["BEGINS_BELOW", "DROPPED", "ENDS", "FAST", "LONGER", "PATH", "STEP_MORE", "UPWARDS"]

DROPPED = "theirs takes the grid of one step more and leaves out its least noise"
PATH = "their Brownian path runs in sigma, ours in half the log-SNR"
FAST = "it mixes steps of orders 1 to 3 on a grid of its own"
BEGINS_BELOW = "theirs begins below pure noise"
ENDS = "theirs has the model's least noise before 0"
LONGER = f"{ENDS}, and steps a little longer"
UPWARDS = "theirs rounds every time of the chain upwards"
STEP_MORE = f"{BEGINS_BELOW}, and takes more steps than asked for where the chain is no multiple of them"
