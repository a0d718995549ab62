"""Texts for properties of the prompt language."""

from hypothesis import strategies as st

MARKS = (
    *("a", "b ", "red", " ", "  ", "(", ")", "[", "]", "{", "}", ":", "::", "|", "\\", "AND", "BREAK", " AND "),
    *(" BREAK ", "--", "—", "–", "--no ", "--weird ", "--ar 3:2", "0.5", "1", "1.3", "-1", ".", "-", "+", "_", "__"),
    *("<lora:x:0.8>", "<lora", "<", '"', "'", ",", "\n", "\u00a0", "é", "☃", "\x00", "\x1c", "#"),
)
marked = st.lists(st.sampled_from(MARKS), max_size=14).map("".join)
"""Texts made of the language's own marks."""
texts = marked | st.text(max_size=40)
