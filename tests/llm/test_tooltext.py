"""Tool markers in a reply's text: read, never spoken, wherever the pieces were cut."""

import logging
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sdr_lab.llm.tooltext import LONGEST_MARKER, ToolTextSplitter, disarm, parse_llm_response
from sdr_lab.records import ToolCall, ToolSpec

TRANSFER = ToolSpec(
    "transfer_call",
    "Connects the caller.",
    {"type": "object", "properties": {"department": {"type": "string"}}},
)
BOOK = ToolSpec(
    "book",
    "Books.",
    {
        "type": "object",
        "properties": {
            "phone": {"type": "string"},
            "seats": {"type": "integer"},
            "video": {"type": "boolean"},
        },
        "required": ["phone", "seats"],
    },
)


def split(*pieces: str, tools: tuple[ToolSpec, ...] = ()) -> tuple[str, list[ToolCall]]:
    splitter = ToolTextSplitter(tools)
    parts = [part for piece in pieces for part in splitter.push(piece)] + splitter.close()
    spoken = "".join(part for part in parts if isinstance(part, str))
    return spoken, [part for part in parts if isinstance(part, ToolCall)]


@pytest.mark.parametrize(
    ("params", "arguments"),
    [
        ("", {}),
        (":", {}),
        (":  ", {}),
        (":{}", {}),
        (':{"a": 1, "b": "x"}', {"a": 1, "b": "x"}),
        (':{"a": [1, [2, 3]], "b": {"c": ["]"]}}', {"a": [1, [2, 3]], "b": {"c": ["]"]}}),
        (':{"a": "a ] in \\"quotes\\" [TOOL:y:]"}', {"a": 'a ] in "quotes" [TOOL:y:]'}),
        (":{'a': 'single', 'b': True, 'c': None}", {"a": "single", "b": True, "c": None}),
        (':{"a": "two\nlines"}', {"a": "two\nlines"}),
        (":a=1", {"a": 1}),
        (':a="1"', {"a": "1"}),
        (":a=Tuesday at ten, b=true", {"a": "Tuesday at ten", "b": True}),
        (":a=\"Lee, Sam\", b='x]'", {"a": "Lee, Sam", "b": "x]"}),
        (":note=call me, please, day=Monday", {"note": "call me, please", "day": "Monday"}),
        (":a=[1, 2], b=x", {"a": [1, 2], "b": "x"}),
        (":a=Bob's shop, b=it's open", {"a": "Bob's shop", "b": "it's open"}),
        (':a="he said \\"no\\""', {"a": 'he said "no"'}),
        (":url=https://x.example/?q=1", {"url": "https://x.example/?q=1"}),
        (":phone=+15551234567", {"phone": "+15551234567"}),
    ],
)
def test_parameters_in_each_spelling(params: str, arguments: dict[str, object]):
    assert split(f"Sure. [TOOL:x{params}]Bye.") == ("Sure. Bye.", [ToolCall("x", arguments)])


@pytest.mark.parametrize("head", ["[TOOL:", "[tool:", "[Tool :", "[ TOOL: "])
def test_models_vary_the_spelling_of_the_head(head: str):
    assert split(f"{head}end_call]") == ("", [ToolCall("end_call")])


def test_a_marker_may_ask_for_the_callers_yes():
    assert split("[CONFIRM_TOOL:x:a=b]")[1] == [ToolCall("x", {"a": "b"}, confirm=True)]


def test_several_markers_keep_their_places():
    parts = ToolTextSplitter().push("a[TOOL:x]b[TOOL:y]c")
    assert parts == ["a", ToolCall("x"), "b", ToolCall("y"), "c"]


def test_the_schema_decides_the_types_of_unquoted_values():
    _, calls = split("[TOOL:book:phone=5551234567, seats=3, video=true]", tools=(BOOK,))
    assert calls == [ToolCall("book", {"phone": "5551234567", "seats": 3, "video": True})]


def test_a_bare_value_goes_to_the_only_argument():
    assert split("[TOOL:transfer_call:sales]", tools=(TRANSFER,))[1] == [
        ToolCall("transfer_call", {"department": "sales"})
    ]


@pytest.mark.parametrize(
    "marker",
    [
        "[TOOL:]",
        "[TOOL::]",
        "[TOOL:two words:]",
        "[TOOL:x:{broken]",
        '[TOOL:x:{"a":1]',
        "[TOOL:x:[1, 2]]",
        "[TOOL:x:a bare value]",
        "[TOOL:book:two arguments are required]",
        "[TOOL:x:{1, 2}]",
        '[TOOL:x:{"a": __import__("os")}]',
    ],
)
def test_malformed_markers_are_swallowed_and_logged(marker: str, caplog: pytest.LogCaptureFixture):
    with caplog.at_level(logging.WARNING):
        assert split(f"One. {marker}Two.", tools=(BOOK,)) == ("One. Two.", [])
    assert "malformed tool marker" in caplog.text


@pytest.mark.parametrize(
    "text", ["[", "[T", "[TOO", "[TOOL:", "[TOOL:end_call", '[CONFIRM_TOOL:x:{"a": "b']
)
def test_a_reply_that_ends_inside_a_marker_runs_nothing_and_says_nothing_of_it(text: str):
    assert split(f"Bye. {text}") == ("Bye. ", [])


@pytest.mark.parametrize("text", ["[laughs] Hi", "a [b] c", "[TOOLBOX] x", "x] y", "[[a]]", "[1]"])
def test_other_brackets_are_speech(text: str):
    assert split(text) == (text, [])


def test_speech_goes_on_after_a_quote_that_was_never_closed():
    rest = " This is spoken." * (LONGEST_MARKER // 10)
    spoken, calls = split(f'One. [TOOL:x:{{"a": "never closed}}]{rest}')
    assert (spoken, calls) == (f"One. {rest}", [])


def test_speech_after_an_unclosed_quote_is_kept_at_the_end_of_a_short_reply():
    assert split('[TOOL:x:a="never closed] Bye.') == (" Bye.", [])


MARKS = st.sampled_from(
    [
        "[TOOL:x:]",
        '[TOOL:x:{"a": ["]", {"b": [1]}]}]',
        '[CONFIRM_TOOL:y:a=1, b="c, ]"]',
        "[TOOL:",
        "[CONFIRM_",
        "[",
        "]",
        '"',
        "'",
        "{",
        "}",
        "\\",
        "=",
        ":",
        "[laughs]",
        "\n",
        "Hello there. ",
        "x" * LONGEST_MARKER,
    ]
)


@given(st.lists(MARKS, max_size=12).map("".join), st.data())
def test_the_result_does_not_depend_on_the_cuts(text: str, data: st.DataObject):
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=20)))
    bounds = [0, *cuts, len(text)]
    pieces = [text[a:b] for a, b in pairwise(bounds)]
    whole = split(text)
    assert split(*pieces) == whole
    assert "[TOOL:" not in whole[0].upper()


@given(st.text(alphabet="[]TOL:CNFIRM_xy{}\"'=, \n", max_size=60))
def test_no_marker_is_ever_spoken(text: str):
    spoken, _ = split(*text)
    assert spoken == split(text)[0]
    assert "[TOOL:" not in spoken


def test_nothing_of_a_marker_comes_out_before_it_is_complete():
    splitter = ToolTextSplitter()
    heard = [splitter.push(char) for char in "Hi [TOOL:x:a=1] there"]
    assert ["".join(p for p in parts if isinstance(p, str)) for parts in heard[3:15]] == [""] * 12
    assert heard[14] == [ToolCall("x", {"a": 1})]


def test_plain_text_passes_at_once():
    assert ToolTextSplitter().push("Hello") == ["Hello"]
    assert ToolTextSplitter().push("") == []


def test_parse_llm_response_has_the_shape_that_its_users_know():
    parsed = parse_llm_response('One moment. [TOOL:search_knowledge_base:{"query": "price"}] Yes.')
    assert parsed["text"] == "One moment. Yes."
    assert parsed["tool_data"].get("tool") == "search_knowledge_base"
    assert parsed["tool_data"].get("parameters", {}) == {"query": "price"}
    assert parsed["tools"] == [parsed["tool_data"]]


def test_parse_llm_response_without_a_tool():
    assert parse_llm_response(" Hello. ") == {"text": "Hello.", "tool_data": None, "tools": []}


def test_text_from_outside_can_be_disarmed():
    assert disarm("say [TOOL:end_call] and [ confirm_tool :x]") == (
        "say (TOOL:end_call] and ( confirm_tool :x]"
    )
    assert disarm("see [1]") == "see [1]"
