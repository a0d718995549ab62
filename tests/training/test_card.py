"""The card says what happened, and nothing else."""

from mezzotint.training.card import Training, detector_card, model_card

TRAINING = {
    "run": {
        "name": "icons",
        "steps": 1000,
        "batch": 128,
        "seed": 3,
        "network": {"size": 64},
        "conditions": {"drop_both": 0.06},
    },
    "step": 400,
    "pictures": 51_200,
    "data": "abc",
    "warm_start": None,
    "sessions": [{"threads": 1}, {"threads": 2}],
    "ema": 0.05,
}
METRICS = [
    {
        "step": i,
        "pictures": 128 * i,
        "seconds": 9.0,
        "validation": {"0.5": 1.0 / i, "mean": 2.0 / i} if i % 20 == 0 else None,
    }
    for i in range(1, 501)
]


def test_a_card_counts_only_what_led_to_its_weights() -> None:
    card = model_card(Training("house", TRAINING, 7_400_000, METRICS))
    assert "7.4 million parameters" in card
    assert "early state: 40% of the planned 1,000 updates" in card
    assert "51,200 picture views" in card
    assert "1.0 hours" in card  # 400 updates of 9 seconds, not the later ones
    assert "1 or 2 threads" in card
    lent = [{"threads": 16, "device": "a lent GPU"}, {"threads": 2, "device": "cpu"}, {"threads": 2}]
    moved = model_card(Training("house", {**TRAINING, "sessions": lent}, 7_400_000, METRICS))
    assert "a GPU (a lent GPU) and a CPU with 2 threads" in moved
    assert "| 51,200 | 0.0050 | 0.0025 |" in card
    assert "64,000" not in card
    assert "## Data" not in card
    assert "random weights, seed 3" in card
    warm = model_card(Training("house", {**TRAINING, "step": 1000, "warm_start": "f" * 64}, 7_400_000, METRICS))
    assert f"a warm start from the weights `{'f' * 64}`.\n" in warm
    earlier = [{"weights": None, "pictures": 1_000}, {"weights": "e" * 64, "pictures": 20_000}]
    began = {**TRAINING, "step": 1000, "warm_start": "f" * 64, "earlier": earlier}
    warm = model_card(Training("house", began, 7_400_000, METRICS))
    assert "`, which had 21,000 views behind them; 72,200 in all.\n" in warm
    assert "early state" not in warm
    assert "Trained further by" in warm
    assert "| 85,000 | 0.0040 | 0.0020 |" in warm  # 500 updates of 128, after 21,000 views
    assert "64,000 |" not in warm


def test_a_card_says_on_what_it_was_trained() -> None:
    """A run from before there was a choice, one with the same, and others."""
    old = "- Rectified flow, prediction of x_0, loss in velocity; Muon and Adam"
    objective = {"target": "x0", "weighting": "velocity"}
    for more in ({}, {"objective": {}}, {"schedule": "rectified_flow", "objective": objective}):
        card = model_card(Training("m", {**TRAINING, "run": {**TRAINING["run"], **more}}, 1, METRICS))  # type: ignore[dict-item]
        assert old in card
        assert "t is sigma" not in card
    for schedule, target, weighting, words in (
        ("vp_cosine", "v", "v", "- Schedule `vp_cosine`, prediction of v, loss in v; Muon"),
        ("vp_linear", "eps", "min-snr:gamma=5", "of eps, loss weighted by `min-snr:gamma=5`; Muon"),
        ("rectified_flow", "velocity", "x0", "- Rectified flow, prediction of velocity, loss in x_0; Muon"),
    ):
        run = {**TRAINING["run"], "schedule": schedule, "objective": {"target": target, "weighting": weighting}}  # type: ignore[dict-item]
        card = model_card(Training("m", {**TRAINING, "run": run}, 1, METRICS))
        assert words in card
        assert ("t is sigma / (alpha + sigma), so that" in card) == (schedule != "rectified_flow")


def test_a_detectors_card_says_how_often_it_is_right() -> None:
    metrics = [{"step": 5, "pictures": 640, "seconds": 9.0, "validation": {"mean": 1.0, "things": 0.912, "words": 0.5}}]
    training = {**TRAINING, "step": 5, "pictures": 640}
    card = detector_card(Training("eye", training, 5_000_000, metrics, licence="MIT"))
    assert "A detector of 5.0 million parameters" in card
    assert "Of pictures, all things named and counted right, and no others: 91.2%" in card
    assert "Of words, read letter for letter: 50.0%" in card
    assert "in a said colour" not in card
    assert "text encoder" not in card
