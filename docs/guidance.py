"""Writes docs/guidance.md: the methods from the registry, behind examples that the tests run.

python -m docs.guidance           write the page
python -m docs.guidance --check   fail if the page is not what the registry says
"""

import inspect
import sys
from pathlib import Path
from typing import Any

from mezzotint.diffusion.guidance import describe, find_guidance

GIVEN = ("guidance", "weights", "weak")
"""Options that come from `--guidance`, `--also` and `--weak-model`."""
PAGE = Path(__file__).parent / "guidance.md"

TEXT = """# Guidance methods

This page is written by `python -m docs.guidance` from the registry. What guidance is, and why a model needs it, is
said in [How diffusion works](how-diffusion-works.md#guidance). Formula, paper and equation of each method are in the
docstring of its class in `src/mezzotint/diffusion/guidance/`.

There are two kinds. A **rule** combines what the network says under several prompts; rules are alternatives, and
`cfg` (classifier-free guidance) is the one you get. A **modifier** changes what a rule says, or when it speaks;
modifiers stack.

## How to ask for one

A method is asked for by its name, or by its name with options:

```text
NAME
NAME:option=value,option=value
```

Values are numbers, `true`, `false` or words; `1+2` is a list of two. Solvers and time grids are asked for in the same
way.

```console run
$ mezzotint imagine "a cat" --seed 3 --steps 8 --guidance 8 --guidance-method apg:eta=0.2,momentum=-0.5 --out apg.png
apg.png  (seed 3, 256x256, 8 steps of ..., guidance 8, apg:eta=0.2,momentum=-0.5; 19 evaluations, ... s)
```

The scale of a rule is `--guidance`, whichever rule it is. Only `cfg++` counts otherwise: its scale is from 0 to 1,
and 0.6 if none is given; it acts alike in every step, so that more steps make it stronger. 1 is off for all others.

Modifiers are given one after the other. The first one is the innermost, `--guidance-interval` is around all of them:

```console run
$ mezzotint imagine "a cat" --seed 3 --steps 8 --guidance 6 --guidance-method apg --guidance-method pag:scale=2 \\
    --guidance-method rescale:amount=0.7 --guidance-interval 0.2,0.9 --out stacked.png
stacked.png  (seed 3, ...; 23 evaluations, ... s)
```

A network is evaluated twice a step for the rule and once for `pag`. Outside the interval, which leaves out two of the
eight times (1 and 0.125), it is evaluated once.

`--chaos`, from 0 to 100, is a short way to end the interval early: at 100 it is 0 to 0.75. What pictures of one prompt
have in common is decided where it is noisiest; without guidance there they differ more, and fit the prompt less. It
tells a usual drawing style later too: see [Exploring](exploring.md#chaos).

From Python, and in JSON, `guidance_methods` is a list:

```python run
from mezzotint import Pipeline

pipe = Pipeline.load("house")
result = pipe.generate("a cat", seed=3, steps=8, guidance=6, guidance_methods=["apg", "pag:scale=2"])
result.evaluations  # → 24
result.recipes[0].request.guidance_methods  # → ('apg', 'pag:scale=2')
```

A method that changes nothing is named, because it is off as it stands or has nothing to act on:

```console run
$ mezzotint imagine "a cat" --seed 3 --steps 8 --guidance-method pag --out off.png
off.png  (seed 3, ...; 19 evaluations, ... s)
ignored: '--guidance-method: pag'
```

## Several prompts

`--also` adds a prompt with a weight, in units of `--guidance`. A negative weight repels. Each costs one evaluation a
step.

```console run
$ mezzotint imagine "a cat" --also "a hat:0.7" --also "a ball:-0.3" --seed 3 --steps 8 --out several.png
several.png  (seed 3, ..., guidance 4, composable; 35 evaluations, ... s)
```

```python run
several = pipe.generate("a cat", seed=3, steps=8, also=[("a hat", 0.7), ("a ball", -0.3)])
several.recipes[0].request.guidance_methods  # → ('composable',)
```

Two rules can read them. `composable`, which is taken if none is named, adds up what each prompt changes. With
`perp-neg` the further prompts, and the one of `--negative`, can only take away what the main prompt does not ask for;
their weights must be negative.

`icg` reads a prompt of four random words, which are a function of the seed, in the place of the empty one. So it can
guide a network that was never trained without a prompt.

## A measurement

What was measured of a picture, such as that it is blurred or without its colours, guides too:
[Inverse problems](inverse-problems.md).

## A weaker model

`autoguidance` steers away from what a weaker model says: a smaller one, or an earlier state of the same training. It
must take the same prompts and draw the same size.

```console
$ mezzotint imagine "a cat" --guidance-method autoguidance:scale=2 --weak-model my-early-model --seed 3 --out strong.png
$ mezzotint reproduce strong.png --weak-model my-early-model
```

The recipe has its name and the digest of its weights.

`pag`, `sag`, `seg` and `slg` need no second model. They weaken the one that there is, in its attention or by leaving
out blocks. By default they do so in the middle block; `pag:blocks=2+3,scale=2` names others. Nor does `token-dropout`
(or `conditional-dropout`), which hides a `share` of the prompt's tokens from all blocks.
"""


def what(name: str) -> str:
    """The first line of a method's file."""
    module = inspect.getmodule(find_guidance(name).build)
    assert module is not None
    assert module.__doc__ is not None
    return module.__doc__.splitlines()[0]


def row(line: dict[str, Any]) -> str:
    options = ", ".join(f"{name}={value}" for name, value in line["options"].items() if name not in GIVEN)
    extra = "+" if line["kind"] == "modifier" else ""
    more = f", +{each} a further prompt" if (each := line["evaluations_for_each_prompt"]) else ""
    cells = [f"`{line['name']}`", what(line["name"]), options, f"{extra}{line['evaluations']}{more}", line["source"]]
    return "| " + " | ".join(cells) + " |"


def table(kind: str) -> str:
    head = (
        f"| {kind} | what it does | options, as they are if not given | evaluations a step | source |\n"
        + "|---" * 5
        + "|\n"
    )
    return head + "\n".join(row(line) for line in describe() if line["kind"] == kind) + "\n"


def page() -> str:
    rules = (
        "Evaluations are those of a solver that looks once a step. Each further prompt adds one. The scale, "
        "`--guidance`, is left out.\n"
    )
    modifiers = "Evaluations are added to those of the rule. In an option, write `None` as `none`.\n"
    return "\n".join([TEXT, "## Rules\n", rules, table("rule"), "## Modifiers\n", modifiers, table("modifier")])


def main() -> None:
    if "--check" in sys.argv:
        if PAGE.read_text() != page():
            sys.exit("docs/guidance.md is not what the registry says; run python -m docs.guidance")
        return
    PAGE.write_text(page())
    print(f"wrote {PAGE.name}")


if __name__ == "__main__":
    main()
