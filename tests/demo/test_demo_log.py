"""The demo log: what is in it, that it repeats itself, and that the truth fits."""

import csv
import gzip
import ipaddress
import json
from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta
from itertools import combinations

import pytest

from sweeplens.demo import Truth, make_demo, write_demo
from sweeplens.demo.clock import END, START
from sweeplens.errors import LogError
from sweeplens.logs.rows import FIELDS

DOCUMENTATION = [
    ipaddress.ip_network(net) for net in ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32")
]


@pytest.fixture(scope="module")
def demo():
    return make_demo()


@pytest.fixture(scope="module")
def prompts_of(demo):
    prompts = defaultdict(list)
    for row in demo.requests:
        prompts[row["account_id"]].append(row["prompt"])
    return prompts


def members(demo, campaign):
    return [a for a, truth in demo.truth.items() if truth.campaign_id == campaign]


@pytest.mark.parametrize("seed", [7, 1, 2024])
def test_counts(seed):
    demo = make_demo(seed)
    assert 235 <= len(demo.truth) <= 265
    assert 6000 <= len(demo.requests) <= 8000
    assert 5000 <= len({row["prompt"] for row in demo.requests}) <= 6500
    kinds = Counter(truth.type for truth in demo.truth.values())
    assert set(kinds) == {"user", "tenant", "tenant_key", "gateway", "benchmark", "solo", "solo_blend", "hydra"}
    assert kinds["user"] >= 120
    assert kinds["solo"] + kinds["solo_blend"] == 12


def test_every_account_has_a_truth_and_requests(demo, prompts_of):
    assert set(prompts_of) == set(demo.truth)
    label_of = {
        "user": "benign", "tenant": "benign", "tenant_key": "benign", "gateway": "benign", "benchmark": "dual",
        "solo": "attack", "solo_blend": "attack", "hydra": "attack",
    }  # fmt: skip
    for truth in demo.truth.values():
        assert isinstance(truth, Truth)
        assert truth.label == label_of[truth.type]
        assert bool(truth.campaign_id) == (truth.type in {"hydra", "tenant_key"})
        assert truth.note


def test_same_seed_same_log_other_seed_other_log(demo):
    again = make_demo()
    assert again.requests == demo.requests
    assert again.truth == demo.truth
    assert not set(make_demo(8).truth) & set(demo.truth)


def test_rows_are_generic_sorted_and_in_range(demo):
    assert [row["request_id"] for row in demo.requests] == [f"req_{i:06d}" for i in range(len(demo.requests))]
    stamps = [row["ts"] for row in demo.requests]
    assert stamps == sorted(stamps)
    for row in demo.requests:
        assert list(row) == [name for name in FIELDS if name in row]
        assert row["ts"].endswith("Z")
        assert START <= datetime.fromisoformat(row["ts"]) < END
        assert row["prompt"].strip()
        assert row["tokens_in"] > 0
        assert any(ipaddress.ip_address(row["ip"]) in net for net in DOCUMENTATION)
    assert timedelta(days=28) == END - START
    assert START.tzinfo is UTC


def test_sessions_belong_to_one_account(demo):
    owner = {}
    for row in demo.requests:
        assert owner.setdefault(row["session_id"], row["account_id"]) == row["account_id"]


def test_campaigns_deal_their_prompts_without_overlap(demo, prompts_of):
    first, second = members(demo, "campaign-1"), members(demo, "campaign-2")
    assert (len(first), len(second)) == (24, 16)
    for account in (*first, *second):
        assert 25 <= len(prompts_of[account]) <= 50
    for one, other in combinations(first, 2):
        assert not set(prompts_of[one]) & set(prompts_of[other])
    framed = {a: {p for p in prompts_of[a] if "step" in p and "\n" in p} for a in second}
    assert all(framed.values())
    for one, other in combinations(second, 2):
        assert not framed[one] & framed[other]


def test_people_return_and_attackers_do_not_repeat(demo, prompts_of):
    def repeats(kind):
        rows = [p for a, t in demo.truth.items() if t.type == kind for p in prompts_of[a]]
        return 1 - sum(len(set(prompts_of[a])) for a, t in demo.truth.items() if t.type == kind) / len(rows)

    assert repeats("solo") < 0.02 < repeats("user")
    assert repeats("tenant_key") > 0.1


def test_keys_of_one_business_share_their_org(demo):
    rows = {row["account_id"]: row for row in demo.requests}
    tenants = {t.campaign_id for t in demo.truth.values() if t.type == "tenant_key"}
    assert len(tenants) >= 10
    orgs = {tenant: {rows[a]["org_id"] for a in members(demo, tenant)} for tenant in tenants}
    assert all(len(found) == 1 for found in orgs.values())
    assert len({org for found in orgs.values() for org in found}) == len(tenants)
    assert any("system_prompt" in row for row in rows.values())


def test_runners_of_one_benchmark_share_their_questions(demo, prompts_of):
    runs = [set(prompts_of[a]) for a, t in demo.truth.items() if t.type == "benchmark"]
    assert len(runs) >= 3
    assert all(len(one & other) >= 20 for one, other in combinations(runs, 2))


def test_attacks_do_not_stand_out_by_form(demo, prompts_of):
    def of(label):
        return [p for a, t in demo.truth.items() if t.label == label for p in prompts_of[a]]

    attack, benign = of("attack"), of("benign")
    for has in (
        lambda p: p[:1].islower(),
        lambda p: p.endswith("?"),
        lambda p: "\n" in p,
        lambda p: "please" in p.lower(),
    ):
        shares = [sum(map(has, prompts)) / len(prompts) for prompts in (attack, benign)]
        assert min(shares) > 0.01
    lengths = [sorted(map(len, prompts)) for prompts in (attack, benign)]
    low, high = lengths[0][len(lengths[0]) // 10], lengths[0][9 * len(lengths[0]) // 10]
    assert sum(low <= n <= high for n in lengths[1]) > 0.4 * len(lengths[1])


def test_secrets_hostile_text_and_other_languages_are_there(demo):
    text = "\n".join(row["prompt"] for row in demo.requests)
    for piece in (
        "AKIAIOSFODNN7EXAMPLE",
        "user@example.com",
        "\u001b[",
        "<script>",
        "=HYPERLINK(",
        "[bold red]",
        "\u202e",
    ):
        assert piece in text, piece
    for word in ("Rezept", "¿", "Comment", "请", "ありがとう"):
        assert word in text, word


def test_write_demo(tmp_path):
    log, labels = write_demo(tmp_path / "new" / "folder", seed=3)
    demo = make_demo(3)
    rows = [json.loads(line) for line in gzip.decompress(log.read_bytes()).decode("utf-8").splitlines()]
    assert log.name.endswith(".jsonl.gz")
    assert rows == demo.requests
    with labels.open(encoding="utf-8", newline="") as stream:
        table = list(csv.DictReader(stream))
    assert list(table[0]) == ["account_id", "label", "type", "campaign_id", "n"]
    counts = Counter(row["account_id"] for row in rows)
    for line in table:
        truth = demo.truth[line["account_id"]]
        assert (line["label"], line["type"], line["campaign_id"]) == (truth.label, truth.type, truth.campaign_id)
        assert int(line["n"]) == counts[line["account_id"]]
    assert len(table) == len(demo.truth)
    again, _ = write_demo(tmp_path / "again", seed=3)
    assert again.read_bytes() == log.read_bytes()


def test_write_demo_where_it_cannot(tmp_path):
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(LogError, match="cannot be written"):
        write_demo(tmp_path / "file")
