"""Logs of every container, name and mapping come out as the same requests."""

import io
import json
import sys
import tracemalloc

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sweeplens.errors import MapError
from sweeplens.logs import check_rejects, known_formats, parse_map, read_requests
from sweeplens.logs.rows import FIELDS, ReadStats, Request

FULL = {
    "request_id": "r1",
    "account_id": "acct-1",
    "ts": "2026-04-06T10:00:00Z",
    "prompt": "Name three rivers.",
    "session_id": "s1",
    "model": "model-a",
    "org_id": "org-1",
    "ip": "192.0.2.7",
    "user_agent": "client/1.0",
    "system_prompt": "Be brief.",
    "tokens_in": 12,
    "tokens_out": 34,
}
MICROS = 1_775_469_600_000_000
CSV = "request_id,account_id,prompt\nr1,a,Hello there\nr2,b,Good day\n"


def test_every_field_is_read(read_log, write):
    requests, stats, _ = read_log(write("log.jsonl", [FULL]))
    assert requests == [Request(**{**FULL, "ts": MICROS}, source="log.jsonl")]
    assert stats == ReadStats(files=1, rows=1)
    assert set(FULL) == set(FIELDS)


def test_what_a_log_lacks_is_none(read_log, write):
    [request] = read_log(write("log.jsonl", [{"account_id": "a", "prompt": "Hello"}]))[0]
    assert request.request_id
    assert (request.account_id, request.prompt, request.source) == ("a", "Hello", "log.jsonl")
    assert set(request[4:12]) == {None}
    assert request.ts is None


@pytest.mark.parametrize("name", ["log.jsonl", "log.jsonl.gz", "log.jsonl.zst", "misnamed.csv", "no-extension"])
def test_compression_and_container_are_told_from_the_content(read_log, write, name):
    assert read_log(write(name, [FULL]))[0][0].prompt == "Name three rivers."


def test_a_file_packed_against_its_name_is_read(read_log, tmp_path, write):
    packed = write("log.jsonl.gz", [FULL])
    assert read_log(packed.rename(tmp_path / "log.jsonl"))[0][0].request_id == "r1"


def test_several_frames_are_one_file(read_log, tmp_path, write):
    parts = [write(f"{n}.gz", [{**FULL, "request_id": f"r{n}"}]).read_bytes() for n in range(3)]
    (tmp_path / "all.jsonl.gz").write_bytes(b"".join(parts))
    parts = [write(f"{n}.zst", [{**FULL, "request_id": f"r{n}"}]).read_bytes() for n in range(3)]
    (tmp_path / "all.jsonl.zst").write_bytes(b"".join(parts))
    for name in ("all.jsonl.gz", "all.jsonl.zst"):
        assert [r.request_id for r in read_log(tmp_path / name)[0]] == ["r0", "r1", "r2"]


def test_a_json_array_and_objects_over_several_lines(read_log, write):
    rows = [{**FULL, "request_id": f"r{n}", "prompt": "Count the birds. " * 200} for n in range(100)]
    as_array, as_objects = json.dumps(rows, indent=2), "\n".join(json.dumps(row, indent=2) for row in rows)
    expected = read_log(write("rows.jsonl", rows))[0]
    for content in (as_array, json.dumps(rows), as_objects):
        requests = read_log(write("rows.json", content))[0]
        assert [r._replace(source=None) for r in requests] == [r._replace(source=None) for r in expected]


def test_rejects_of_a_json_array_name_the_line(read_log, write):
    path = write("rows.json", '[\n  {"account_id": "a", "prompt": "Hi"},\n  7,\n\n  {"account_id": "a"}\n]\n')
    assert [(r.line, r.reason) for r in read_log(path)[2]] == [(3, "not a JSON object"), (5, "no prompt")]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_csv_of_any_delimiter(read_log, write, delimiter):
    requests = read_log(write("log.csv", CSV.replace(",", delimiter)))[0]
    assert [(r.request_id, r.account_id, r.prompt) for r in requests] == [
        ("r1", "a", "Hello there"),
        ("r2", "b", "Good day"),
    ]


def test_csv_with_a_byte_order_mark_quotes_newlines_and_carriage_returns(read_log, write):
    content = '\ufeffaccount_id,prompt\r\na,"one\r\ntwo, ""three"""\r\n\r\nb,\r\nc,x\r\n'
    requests, _, rejects = read_log(write("log.csv", content))
    assert [(r.account_id, r.prompt) for r in requests] == [("a", 'one\r\ntwo, "three"'), ("c", "x")]
    assert rejects == [("log.csv", 5, "no prompt")]


def test_csv_fields_may_be_huge(read_log, write):
    long = "word " * 100_000
    assert read_log(write("log.csv", f'account_id,prompt\na,"{long}"\n'))[0][0].prompt == long


def test_the_first_of_two_columns_with_one_name_counts(read_log, write):
    path = write("log.csv", "id,account,text,account\nr1,a,Hello,other\n")
    assert read_log(path)[0][0].account_id == "a"


def _parquet(tmp_path, **columns):
    path = tmp_path / "log.parquet"
    pq.write_table(pa.table(columns), path, row_group_size=2)
    return path


def test_parquet_times_of_every_unit(read_log, tmp_path):
    micros = MICROS + 123_456
    for unit, value in (("s", MICROS // 10**6), ("ms", MICROS // 1000), ("us", micros), ("ns", micros * 1000 + 789)):
        for zone in (None, "UTC", "Asia/Tokyo"):
            stamps = pa.array([value, None], pa.timestamp(unit, zone))
            path = _parquet(tmp_path, account_id=["a", "b"], prompt=["x", "y"], ts=stamps)
            expected = {"s": MICROS, "ms": MICROS}.get(unit, micros)
            assert [r.ts for r in read_log(path)[0]] == [expected, None]


def test_parquet_types(read_log, tmp_path):
    path = _parquet(
        tmp_path,
        account_id=pa.array([1, 2, None], pa.decimal128(38, 0)),
        prompt=pa.array(["x", "y", "z"]).dictionary_encode(),
        model=pa.array([b"m", None, b"m"]),
        tokens_in=pa.array([1.0, float("nan"), None]),
        messages=pa.array([[{"role": "user", "content": "unused"}], None, None]),
    )
    requests, _, rejects = read_log(path)
    assert [(r.account_id, r.prompt, r.model, r.tokens_in) for r in requests] == [
        ("1", "x", "m", 1),
        ("2", "y", None, None),
    ]
    assert rejects == [("log.parquet", 3, "no account_id")]


def test_parquet_rows_that_cannot_be_decoded_are_rejected_alone(read_log, tmp_path):
    broken = pa.StringArray.from_buffers(3, pa.py_buffer(b"\0\0\0\0\1\0\0\0\2\0\0\0\3\0\0\0"), pa.py_buffer(b"a\xffb"))
    requests, _, rejects = read_log(_parquet(tmp_path, account_id=["u", "v", "w"], prompt=broken))
    assert [r.account_id for r in requests] == ["u", "w"]
    assert rejects == [("log.parquet", 2, "not valid UTF-8")]


def test_packed_parquet_is_read(read_log, tmp_path, write):
    data = _parquet(tmp_path, account_id=["a", "b", "c"], prompt=["x", "y", "z"]).read_bytes()
    assert [r.prompt for r in read_log(write("log.parquet.gz", data))[0]] == ["x", "y", "z"]


@pytest.mark.parametrize("name", ["log.jsonl", "log.jsonl.gz", "log.csv.zst", "log.parquet"])
def test_standard_input(read_log, write, tmp_path, monkeypatch, name):
    if name == "log.parquet":
        path = _parquet(tmp_path, account_id=["a"], prompt=["Hello there"])
    else:
        path = write(name, CSV if "csv" in name else [{"account_id": "a", "prompt": "Hello there"}])
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(path.read_bytes())))
    request = read_log("-")[0][0]
    assert (request.prompt, request.source) == ("Hello there", "-")


def test_folders_are_read_in_order_without_hidden_and_foreign_files(read_log, write, tmp_path):
    for name in (
        "b.jsonl",
        "a/2.jsonl.gz",
        "a/1.ndjson",
        "c.json",
        ".hidden.jsonl",
        ".git/x.jsonl",
        "notes.txt",
        "_SUCCESS",
    ):
        write(f"logs/{name}", [{"account_id": name, "prompt": "x"}])
    requests = read_log(tmp_path / "logs")[0]
    assert [r.account_id for r in requests] == ["a/1.ndjson", "a/2.jsonl.gz", "b.jsonl", "c.json"]
    assert [r.source for r in requests] == ["1.ndjson", "2.jsonl.gz", "b.jsonl", "c.json"]


def test_globs_are_sorted_and_overlapping_sources_are_read_once(read_log, write, tmp_path):
    for name in ("b.jsonl", "a.jsonl", "sub/c.jsonl"):
        write(f"logs/{name}", [{"account_id": name, "prompt": "x"}])
    (tmp_path / "link.jsonl").symlink_to(tmp_path / "logs/b.jsonl")
    logs = tmp_path / "logs"
    assert [r.account_id for r in read_log(logs / "*.jsonl")[0]] == ["a.jsonl", "b.jsonl"]
    assert [r.account_id for r in read_log(logs / "**")[0]] == ["a.jsonl", "b.jsonl", "sub/c.jsonl"]
    twice = read_log(logs / "b.jsonl", logs, logs / "*.jsonl", tmp_path / "link.jsonl")[0]
    assert [r.account_id for r in twice] == ["b.jsonl", "a.jsonl", "sub/c.jsonl"]


def test_a_file_whose_name_looks_like_a_glob_is_that_file(read_log, write):
    assert len(read_log(write("log[1].jsonl", [FULL]))[0]) == 1


def test_rejects_name_the_file_within_its_folder(read_log, write, tmp_path):
    write("logs/day1/a.jsonl", [FULL])
    write("logs/day2/a.jsonl", [{"account_id": "a"}])
    for source in ("logs", "logs/*/a.jsonl"):
        assert read_log(tmp_path / source)[2] == [("day2/a.jsonl", 1, "no prompt")]


@pytest.mark.parametrize(
    ("field", "key"),
    [
        ("request_id", "id"),
        ("account_id", "user"),
        ("account_id", "user_id"),
        ("account_id", "accountId"),
        ("account_id", "Account ID"),
        ("ts", "timestamp"),
        ("ts", "created_at"),
        ("prompt", "text"),
        ("prompt", "input"),
        ("session_id", "conversation_id"),
        ("org_id", "tenant"),
        ("ip", "client_ip"),
        ("user_agent", "User-Agent"),
        ("system_prompt", "system"),
        ("tokens_in", "prompt_tokens"),
        ("tokens_out", "completion_tokens"),
    ],
)
def test_common_other_names(read_log, write, field, key):
    row = {(key if name == field else name): value for name, value in FULL.items()}
    assert read_log(write("log.jsonl", [row]))[0] == [Request(**{**FULL, "ts": MICROS}, source="log.jsonl")]


def test_the_exact_name_wins_and_an_empty_one_does_not(read_log, write):
    rows = [
        {"accountId": "other", "user": "third", "account_id": "a", "prompt": "x"},
        {"account_id": None, "user": "b", "prompt": "", "text": "y"},
    ]
    assert [(r.account_id, r.prompt) for r in read_log(write("log.jsonl", rows))[0]] == [("a", "x"), ("b", "y")]


CHAT = [
    {"role": "system", "content": "Be kind."},
    {"role": "user", "content": "First question"},
    {"role": "assistant", "content": "An answer"},
    {
        "role": "user",
        "content": [{"type": "text", "text": "Second"}, {"type": "image_url"}, {"type": "text", "text": "part"}],
    },
    {"role": "user", "content": [{"type": "tool_result", "content": "42"}]},
]


@pytest.mark.parametrize("as_text", [False, True])
def test_messages_give_the_last_user_turn_and_the_system_prompt_apart(read_log, write, as_text):
    row = {"account_id": "a", "messages": json.dumps(CHAT) if as_text else CHAT}
    [request] = read_log(write("log.jsonl", [row]))[0]
    assert (request.prompt, request.system_prompt) == ("Second\npart", "Be kind.")


def test_a_system_prompt_of_its_own_goes_before_that_of_the_messages(read_log, write):
    row = {"account_id": "a", "messages": CHAT, "system": [{"type": "text", "text": "Be terse."}]}
    assert read_log(write("log.jsonl", [row]))[0][0].system_prompt == "Be terse."


def test_a_prompt_may_be_a_list_of_parts(read_log, write):
    rows = [{"account_id": "a", "prompt": ["one", {"type": "input_text", "text": "two"}]}]
    assert read_log(write("log.jsonl", rows))[0][0].prompt == "one\ntwo"


def test_map_follows_paths_lists_and_names_with_dots(read_log, write):
    row = {
        "account_id": "not this",
        "user": {"id": 7},
        "a.b": {"c.d": "model-x"},
        "body": '{"messages": [{"role": "user", "content": "Hi"}, {"role": "user", "content": "Bye"}]}',
    }
    mapping = parse_map(["account_id=user.id", "prompt = body.messages.-1.content", "model=a.b.c.d"])
    [request] = read_log(write("log.jsonl", [row]), mapping=mapping)[0]
    assert (request.account_id, request.prompt, request.model) == ("7", "Bye", "model-x")
    [request] = read_log(write("log.jsonl", [row]), mapping={"account_id": "user.id", "prompt": "body.messages"})[0]
    assert request.prompt == "Bye"


def test_map_does_not_fall_back_to_another_name(read_log, write):
    rows = [{"who": "a", "prompt": "x"}, {"account_id": "b", "prompt": "y"}]
    requests, _, rejects = read_log(write("log.jsonl", rows), mapping={"account_id": "who"})
    assert [r.account_id for r in requests] == ["a"]
    assert rejects == [("log.jsonl", 2, "no account_id")]


def test_map_of_csv_columns(read_log, write):
    path = write("log.csv", "user.id,user,q\n1,{},Hello\n")
    [request] = read_log(path, mapping={"account_id": "user.id", "prompt": "q"})[0]
    assert (request.account_id, request.prompt) == ("1", "Hello")


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        (["account_id"], "not of the form field=path"),
        (["account_id="], "not of the form"),
        (["=x"], "not of the form"),
        (["acount=x"], "acount, which no request has: expected one of request_id, account_id"),
        (["ts=a", "ts=b"], "ts twice"),
    ],
)
def test_map_entries_that_cannot_be_used(entries, message):
    with pytest.raises(MapError, match=message):
        parse_map(entries)


def test_request_ids_are_stable_and_tell_equal_rows_apart(read_log, write):
    row = {"account_id": "a", "prompt": "Hello", "ts": 1_775_469_600}
    rows = [row, {**row, "ts": 1_775_469_601}, row, {**row, "account_id": "b"}, row]
    first = [r.request_id for r in read_log(write("one.jsonl", rows))[0]]
    assert len(set(first)) == 5
    assert first == [r.request_id for r in read_log(write("two.jsonl.gz", rows))[0]]
    # The id of the first of several equal rows is that of a row that is alone: ordinals count within the file only.
    assert [r.request_id for r in read_log(write("three.jsonl", [row]))[0]] == first[:1]


def test_request_ids_stay_apart_in_a_long_file(read_log, write):
    rows = [{"account_id": f"a{n % 7}", "prompt": f"Question {n // 3}"} for n in range(9000)]
    ids = [r.request_id for r in read_log(write("log.jsonl", rows), redact=False)[0]]
    assert len(set(ids)) == 9000


def test_line_numbers_count_blank_lines(read_log, write):
    path = write("log.jsonl", [FULL, "", "{broken", "  ", "[1]", FULL])
    requests, _, rejects = read_log(path)
    assert len(requests) == 2
    assert rejects == [("log.jsonl", 3, "not valid JSON"), ("log.jsonl", 5, "not a JSON object")]


def test_what_parquet_cannot_hold_is_replaced(read_log, write):
    line = '{"account_id": "a\\u0000", "prompt": "x\\ud83d y \\ud83d\\ude00 \\u0000"}'
    [request] = read_log(write("log.jsonl", [line]))[0]
    assert (request.account_id, request.prompt) == ("a\ufffd", "x\ufffd y \U0001f600 \ufffd")


def test_memory_does_not_grow_with_the_log(tmp_path):
    """A log of 24 MB and one of 6 MB, without ids, peak alike: far below the size of either."""

    def peak(rows: int) -> int:
        path = tmp_path / f"{rows}.jsonl"
        with path.open("w") as file:
            for n in range(rows):
                prompt = f"Tell me about number {n}. " + "More. " * 1000
                file.write(json.dumps({"account_id": f"a{n % 99}", "prompt": prompt}) + "\n")
        tracemalloc.start()
        count = sum(1 for _ in read_requests([str(path)], redact=False, stats=ReadStats(), reject=lambda _: None))
        top = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert count == rows
        return top

    small, large = peak(1_000), peak(4_000)
    assert large < small + 24 * 4_000 + 200_000
    assert large < 3_000_000


def test_known_formats_are_listed():
    assert [name for name, _ in known_formats()] == ["generic"]
    assert all(about.endswith(".") for _, about in known_formats())


def test_no_rejects_is_fine():
    check_rejects(ReadStats(files=1, rows=10), 0.0)
