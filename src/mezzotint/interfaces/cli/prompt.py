"""`mezzotint prompt`: how a prompt is understood, without drawing it."""

from typing import Any

import click

from mezzotint.interfaces.cli.options import WHOLE, format_option, wait_quietly
from mezzotint.interfaces.cli.output import emit_json


@click.command(short_help="Show how a prompt is understood, without drawing it.")
@click.argument("text", metavar="PROMPT")
@click.option("--model", default="house", show_default=True, metavar="NAME", help="A model's name or its folder.")
@click.option(
    "--steps", type=WHOLE, metavar="N", help="Steps from noise to picture; the model's own number if not given."
)
@format_option
def prompt(text: str, model: str, steps: Any, form: str) -> None:
    """Show the parts of PROMPT, what each step reads, the word pieces with their weights, and what will be ignored.

    \b
    mezzotint prompt "a (red:1.3) apple AND [a cat:a dog:0.5] :0.7 --weird 250"
    """
    from mezzotint.conditioning.prompt import expanded_prompts, wildcards

    several = expanded_prompts(text)
    if len(several) > 1:
        if form == "json":
            emit_json({"stands_for": list(several)})
            return
        click.echo("\n".join((f"stands for {len(several)} prompts:", *(f"  {one}" for one in several))))
        return
    wait_quietly()
    from mezzotint.interfaces.understood import lines, understood
    from mezzotint.pipeline import Pipeline

    found = understood(Pipeline.load(model), several[0], {} if steps is None else {"steps": steps})
    if form == "json":
        emit_json({**found, "wildcards": list(dict.fromkeys(wildcards(several[0])))})
        return
    for line in lines(found):
        click.echo(line)
