"""What other programs call an option is refused with a name that a request has."""

import re
from dataclasses import fields

import pytest

from mezzotint import Request
from mezzotint.errors import InvalidOption
from mezzotint.foreign.options import OPTIONS

OURS = {item.name for item in fields(Request)}


@pytest.mark.parametrize("theirs", OPTIONS)
def test_every_name_leads_to_an_option_of_ours(theirs: str) -> None:
    assert theirs not in OURS
    named = re.match(r"\w+", OPTIONS[theirs])
    assert named is not None
    assert named.group() in OURS
    with pytest.raises(InvalidOption, match=f"called '{theirs}'; here it is {named.group()}"):
        Request.from_json_dict({"prompt": "a cat", theirs: 1})


def test_what_is_said_to_write_can_be_written() -> None:
    written = {"guidance_methods": ["rescale"], "vary": [(0.2, 7)], "lora": [("mine", 0.5)], "grid": (1, 0.7, 0.4, 0)}
    found = Request.from_json_dict({"prompt": "a cat", "size": (64, 64), **written})
    assert (found.guidance_methods, found.vary, found.lora) == (("rescale",), ((0.2, 7),), (("mine", 0.5),))
    assert (found.grid, found.size) == ((1, 0.7, 0.4, 0), (64, 64))
