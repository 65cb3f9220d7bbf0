"""A prompt in any shape is read as what its sender wrote; a prompt that happens to be JSON is a prompt."""

import csv
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sweeplens.logs.turns import Turns, choose_earlier, read_turns
from sweeplens.logs.values import RowError

QUESTION = "Where do storks winter?"
JSON_TEXTS = [
    json.dumps({"question": QUESTION}), json.dumps([QUESTION, "And swifts?"]), "[1, 2]", "7", "true", "null",
    '"quoted"', "{}", "[]", '[{"a": 1}]', json.dumps({"role": "user", "content": QUESTION}),
    json.dumps({"messages": [{"role": "user", "content": QUESTION}]}),
    json.dumps([{"role": "poet", "content": QUESTION}]),
    json.dumps([{"role": "system", "content": QUESTION}]),
    json.dumps([{"role": "user", "content": "go on"}, {"role": "note", "content": QUESTION}]),
    json.dumps([{"role": "user", "content": "go on", "question": QUESTION}]),
    json.dumps([{"role": "user", "content": "go on", "more": {"question": QUESTION}}]),
]  # fmt: skip


def rows_of(prompts):
    return [{"request_id": f"r{i}", "account_id": "a", "prompt": prompt} for i, prompt in enumerate(prompts)]


def write_csv(path):
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, ["request_id", "account_id", "prompt"])
        writer.writeheader()
        writer.writerows(rows_of(JSON_TEXTS))


def write_parquet(path):
    pq.write_table(pa.Table.from_pylist(rows_of(JSON_TEXTS)), path)


def write_lines(path):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows_of(JSON_TEXTS)), encoding="utf-8")


def write_array(path):
    path.write_text(json.dumps(rows_of(JSON_TEXTS), indent=1), encoding="utf-8")


@pytest.mark.parametrize("write_log", [write_csv, write_parquet, write_lines, write_array])
def test_text_that_happens_to_be_json_is_the_prompt(read_log, tmp_path, write_log):
    path = tmp_path / "log"
    write_log(path)
    requests, stats, rejects = read_log(path)
    assert [request.prompt for request in requests] == JSON_TEXTS
    assert (stats.rejected, rejects) == (0, [])


def test_text_that_happens_to_be_json_is_the_prompt_where_it_is_mapped(read_log, write):
    rows = [{"account_id": "a", "body": json.dumps({"q": text})} for text in JSON_TEXTS]
    requests, _, rejects = read_log(write("log.jsonl", rows), mapping={"prompt": "body.q"})
    assert ([request.prompt for request in requests], rejects) == (JSON_TEXTS, [])


@pytest.mark.parametrize(
    ("value", "prompt"),
    [
        ({"question": QUESTION}, '{"question": "Where do storks winter?"}'),
        ([{"q": "¿Dónde?"}, {"q": QUESTION}], '[{"q": "¿Dónde?"}, {"q": "Where do storks winter?"}]'),
        ([1, 2], "[1, 2]"),
        ([{"role": "poet", "content": QUESTION}], '[{"role": "poet", "content": "Where do storks winter?"}]'),
        ({"type": "riddle", "q": QUESTION}, '{"type": "riddle", "q": "Where do storks winter?"}'),
        ([{"role": "user", "content": {"question": QUESTION}}], '{"question": "Where do storks winter?"}'),
        ({"text": QUESTION}, QUESTION),
        ([{"type": "text", "text": QUESTION}, {"type": "image_url", "image_url": {"url": "x"}}], QUESTION),
        ([{"role": ["user"], "content": "x"}, {"role": "User", "content": QUESTION}], QUESTION),
        ([{"role": "user", "content": 7}, {"role": "user", "content": QUESTION}], QUESTION),
    ],
)  # fmt: skip
def test_what_a_logger_makes_of_json_is_a_prompt(read_log, write, value, prompt):
    [request] = read_log(write("log.jsonl", rows_of([value])))[0]
    assert request.prompt == prompt


@pytest.mark.parametrize("value", [{}, [], None, [{}], [{"type": "image", "source": {"data": "x"}}], {"type": ["x"]}])
def test_nothing_and_images_alone_are_no_prompt(value):
    assert read_turns(value).prompt in {None, '{"type": ["x"]}'}


def test_an_empty_object_gives_way_to_the_next_name(read_log, write):
    row = {"account_id": "a", "prompt": {}, "messages": [], "input": QUESTION}
    assert read_log(write("log.jsonl", [row]))[0][0].prompt == QUESTION


def turn(role, content, **more):
    return {"role": role, "content": content, **more}


CHAT = [
    turn("system", "Be kind."), turn("user", "One"), turn("assistant", "Well."),
    turn("user", [{"type": "text", "text": "Two"}]),
    turn("user", [{"type": "tool_result", "content": "42"}]), turn("user", " "), turn("human", "Three"),
    turn("assistant", "Hm."),
]  # fmt: skip


@pytest.mark.parametrize("as_text", [False, True])
def test_messages_give_last_turn_system_prompt_and_earlier_turns(as_text):
    chat = [turn("user", "One", id="m1", time="2026-05-04 10:00:00 UTC", flagged=False), *CHAT]
    assert read_turns(json.dumps(chat) if as_text else chat) == Turns("Three", "Be kind.", ("One", "Two"))


def test_the_last_turn_is_not_among_the_earlier_ones(read_log, write):
    chat = [turn("user", text) for text in ("Hi", "Ho", "Hi", "Hi")]
    [request] = read_log(write("log.jsonl", [{"account_id": "a", "messages": chat}]))[0]
    assert (request.prompt, request.earlier) == ("Hi", ("Ho",))


def test_short_turns_do_not_push_out_a_long_one():
    chat = [turn("user", QUESTION), *(turn("user", f"go on {i}") for i in range(100))]
    found = read_turns(chat)
    assert found.prompt == "go on 99"
    assert (len(found.earlier), found.earlier[0]) == (20, QUESTION)


@given(st.lists(st.text("ab", max_size=4)), st.text("ab", max_size=2))
def test_earlier_turns_are_distinct_and_in_their_order(turns, prompt):
    chosen = choose_earlier(turns, prompt)
    places = [turns.index(text) for text in chosen]
    assert places == sorted(places)
    assert len(set(chosen)) == len(chosen) == min(20, len(set(turns) - {prompt}))
    assert min(map(len, chosen), default=0) >= max(map(len, set(turns) - {prompt, *chosen}), default=0)


def test_a_system_prompt_without_a_user_turn_is_the_prompt(read_log, write):
    rows = [
        {"account_id": "a", "messages": [turn("system", QUESTION)]},
        {"account_id": "a", "messages": [turn("system", QUESTION), turn("user", "\n")]},
        {"account_id": "a", "messages": [turn("user", [{"type": "image"}])], "system": QUESTION},
        {"account_id": "a", "prompt": " ", "system": QUESTION},
        {"account_id": "a", "system": QUESTION},
    ]
    requests, _, rejects = read_log(write("log.jsonl", rows))
    assert [(r.prompt, r.system_prompt) for r in requests] == [(QUESTION, QUESTION)] * 4
    # A log without prompts is one whose prompts are not kept, not one whose system prompts are prompts.
    assert rejects == [("log.jsonl", 5, "no prompt")]


def test_system_messages_beside_a_system_prompt_of_its_own_are_read(read_log, write):
    row = {
        "account_id": "a",
        "instructions": "Be terse.",
        "input": [turn("developer", QUESTION), turn("user", "go on")],
    }
    [request] = read_log(write("log.jsonl", [row]))[0]
    assert (request.prompt, request.system_prompt, request.earlier) == ("go on", "Be terse.", (QUESTION,))


def test_earlier_turns_are_redacted(read_log, write):
    chat = [turn("user", "I am joan@example.com"), turn("user", "Hi")]
    row = {"account_id": "a", "messages": chat}
    assert read_log(write("log.jsonl", [row]))[0][0].earlier == ("I am [email]",)
    assert read_log(write("log.jsonl", [row]), redact=False)[0][0].earlier == ("I am joan@example.com",)


def test_rows_without_id_and_time_are_told_apart_by_all_that_was_written(read_log, write):
    def ids(name, *questions):
        rows = [
            {"account_id": "a", "system": q, "messages": [turn("user", q[:5]), turn("user", "go on")]}
            for q in questions
        ]
        return [r.request_id for r in read_log(write(name, rows))[0]]

    assert len({*ids("one.jsonl", "How is felt made?"), *ids("two.jsonl", "Where does the Elbe begin?")}) == 2
    assert ids("three.jsonl", "How is felt made?") == ids("one.jsonl", "How is felt made?")
    plain = {"account_id": "a", "prompt": "go on"}
    assert len({read_log(write(f"{i}.jsonl", [plain]))[0][0].request_id for i in range(2)}) == 1


def test_json_that_is_nested_without_end_is_rejected_without_its_text(read_log, write):
    row = '{"account_id": "a", "prompt": ' + '{"q": ' * 900 + '"secret"' + "}" * 900 + "}"
    requests, _, rejects = read_log(write("log.jsonl", [row, {"account_id": "a", "prompt": "x"}]))
    assert len(requests) + len(rejects) == 2
    assert "secret" not in str(rejects)


KEYS = st.sampled_from(["role", "content", "type", "text", "messages", "q"])
LEAVES = st.none() | st.booleans() | st.floats() | st.text(max_size=5) | st.sampled_from(["user", "system", "text"])
SHAPES = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3), max_leaves=12
)


@given(SHAPES)
def test_no_shape_breaks_the_reader(value):
    try:
        found = read_turns(value)
    except RowError:
        return
    assert all(isinstance(text, str) for text in (*found.earlier, found.prompt or "", found.system or ""))
