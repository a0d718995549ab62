"""What is refused of a file of prompts says in which line."""

from pathlib import Path

import pytest

from tests.interfaces.conftest import Run, sentence


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("a (dog", "At character 3 (near 'a (dog')"),
        ("a dog --seed x", "--seed"),
        ("a dog --sref nosuch.png", "There is no file nosuch.png"),
        ("a dog <lora:nosuch:1>", "There is no LoRA called 'nosuch'"),
        ("a dog --ar 5000:1", "not of the shape 5000:1"),
        ("a __thing__", "The prompt has the wildcard __thing__"),
        ("a dog --style nosuch", "There is no style called 'nosuch'"),
    ],
)
def test_a_line_that_is_refused_is_named_before_any_is_drawn(
    run: Run, model: Path, here: Path, line: str, said: str
) -> None:
    (here / "prompts.txt").write_text(f"a cat\n# not this\n\n{line}\n")
    told = sentence(run("imagine", "--prompts", "prompts.txt", "--model", model, "--steps", 1, "--out", "d"))
    assert told.startswith("mezzotint: prompts.txt, line 4: ")
    assert said in told
    assert not (here / "d").exists()
    alone = sentence(run("imagine", line, "--model", model, "--steps", 1, "--out", "d"))
    assert told == alone.replace("mezzotint: ", "mezzotint: prompts.txt, line 4: ", 1)
