"""The mathematics of diffusion: schedules, predictions, noise, time grids, solvers, guidance, objectives."""
