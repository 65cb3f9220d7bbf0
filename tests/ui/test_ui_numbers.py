"""Every number that the app shows is the one that the command line prints, over whole stores.

`SWEEPLENS_JOURNEY_STORE=folder` holds the two faces of that store against each other as well.
"""

import base64
import json
import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest
from ui_app import open_app, texts

from support.judged_store import write_judged_store
from support.small_store import write_small_store
from sweeplens.cli import commands
from sweeplens.signals.catalog import BY_KEY
from sweeplens.ui import words

Ask = Callable[..., Any]
GIVEN = os.environ.get("SWEEPLENS_JOURNEY_STORE")


@pytest.fixture(scope="module", params=["small", "judged", *(["given"] if GIVEN else [])])
def whole(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("numbers") / "store"
    if request.param == "given":
        return Path(str(GIVEN))
    {"small": write_small_store, "judged": write_judged_store}[request.param](folder)
    return folder


@pytest.fixture
def ask(whole: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Ask:
    """Return a function that runs one command and reads its JSON or JSONL."""
    monkeypatch.setattr(commands, "prepare_process", lambda: None)
    monkeypatch.setenv("SWEEPLENS_STORE", str(whole))

    def run(*words: str) -> Any:
        monkeypatch.setattr("sys.argv", ["sweeplens", *words])
        with suppress(SystemExit):
            commands.main()
        out, _ = capsys.readouterr()
        return [json.loads(line) for line in out.splitlines()] if "jsonl" in words else json.loads(out)

    return run


def page(store: Path, name: str = "", **params: str) -> AppTest:
    app = open_app(store, name, **params)
    assert not app.exception, [e.message for e in app.exception]
    return app


def table(app: AppTest, *columns: str) -> pd.DataFrame:
    """Return the first table of the page that has these columns."""
    return next(f.value for f in app.dataframe if set(columns) <= set(f.value.columns))


def traces(app: AppTest, key: str) -> list[dict[str, Any]]:
    """Return the traces of a chart, its arrays as lists."""
    chart = next(c for c in app.get("plotly_chart") if c.proto.id.endswith(f"-{key}"))
    return [_plain(trace) for trace in json.loads(chart.proto.spec)["data"]]


def _plain(value: Any) -> Any:
    if isinstance(value, dict) and "bdata" in value:
        found = np.frombuffer(base64.b64decode(value["bdata"]), value["dtype"])
        shape = value.get("shape")
        return (found.reshape([int(n) for n in shape.split(",")]) if shape else found).tolist()
    if isinstance(value, dict):
        return {k: _plain(v) for k, v in value.items()}
    return [_plain(v) for v in value] if isinstance(value, list) else value


def same(shown: object, printed: object) -> bool:
    """Say whether two values are one: none is NaN or a dash, times may differ in how they are written."""
    if printed is None:
        return shown is None or shown is pd.NaT or shown in ("", "–") or shown != shown
    if isinstance(shown, pd.Timestamp | datetime):
        there = pd.Timestamp(str(printed))
        here = pd.Timestamp(shown)
        here = here if here.tzinfo else here.tz_localize("UTC")
        return here == (there if there.tzinfo else there.tz_localize("UTC"))
    return shown == printed


def differing(frame: pd.DataFrame, records: list[dict[str, Any]], names: dict[str, str]) -> list[str]:
    """Return what differs between a table and records in the same order; `names` are columns and keys."""
    assert len(frame) == len(records)
    return [
        f"row {i} {column}: {shown!r} is not {record[key]!r}"
        for column, key in names.items()
        for i, (shown, record) in enumerate(zip(frame[column].tolist(), records, strict=True))
        if not same(shown, record[key])
    ]


def test_the_queue_shows_what_score_and_campaigns_print(whole: Path, ask: Ask) -> None:
    scored = {row["account_id"]: row for row in ask("score", "--format", "jsonl")}
    groups = {row["campaign_id"]: row for row in ask("campaigns", "--format", "jsonl")}
    frame = table(page(whole), "id", "mark", "score")
    found = [scored.get(i) or groups[i] for i in frame["id"].tolist()]
    assert len(frame) == min(1000, len(scored) + len(groups))
    names = {"score": "score", "p": "p_value", "q": "q_value", "n_requests": "n_requests", "state": "state"}
    assert differing(frame, found, names) == []
    assert frame["level"].tolist() == [words.LEVEL_WORDS[row["level"]] for row in found]


def test_the_numbers_above_the_queue_are_counts_of_what_is_printed(whole: Path, ask: Ask) -> None:
    scored, groups = ask("score", "--format", "jsonl"), ask("campaigns", "--format", "jsonl")
    shown = {m.label: m.value for m in page(whole).metric}
    assert shown["Accounts"] == words.count(len(scored))
    assert shown["Flagged"] == words.count(sum(row["level"] in {"review", "high"} for row in scored))
    assert shown["Campaigns"] == words.count(len(groups))
    assert shown["Requests"] == words.count(sum(row["n_requests"] for row in scored))


def accounts(ask: Ask) -> Iterator[tuple[str, dict[str, Any]]]:
    for row in ask("score", "--format", "jsonl"):
        yield row["account_id"], ask("account", row["account_id"], "--format", "json", "--prompts", "1000")


def test_each_account_shows_what_its_command_prints(whole: Path, ask: Ask) -> None:
    for account, facts in accounts(ask):
        app = page(whole, "account", account=account)
        said, row = texts(app), facts["row"]
        assert words.thin(facts["headline"]) in said
        assert words.counted(row["n_requests"], "request") in said
        assert words.counted(row["n_prompts"], "distinct prompt") in said
        curve = next(t for t in traces(app, "curve") if t.get("marker", {}).get("size") == 5)
        assert (curve["x"], curve["y"]) == (facts["curve"]["n"], facts["curve"]["cells"])
        bars = next(t for t in traces(app, "capabilities") if t["type"] == "bar")
        shares = sorted(100 * c["share"] for c in facts["capabilities"] if c["n_prompts"])
        assert sorted(x for x in bars["x"] if x) == pytest.approx(shares)
        assert sum(
            sum(t["y"]) for t in traces(app, "timeline") if t["type"] == "bar" and t.get("xaxis") != "x2"
        ) == sum(n for _, n in facts["timeline"]["days"])
        sent = {tuple(row) for row in table(app, "text", "n_sent", "n_accounts")[["n_sent", "n_accounts"]].to_numpy()}
        assert sent == {(r["n_sent"], r["n_accounts"]) for r in facts["prompts"]}
        if facts["nearest"]:
            near = {"similarity": "similarity", "cells": "shared_cells", "score": "score", "id": "account_id"}
            assert differing(table(app, "similarity", "cells"), facts["nearest"], near) == []
        measured = [s for s in facts["signals"] if s["signal"] in BY_KEY]
        if any(s["value"] is not None for s in measured):
            _same_signals(table(app, "label", "percentile", "weight"), facts["signals"])


def _same_signals(frame: pd.DataFrame, signals: list[dict[str, Any]]) -> None:
    by_label = {row["label"]: row for row in frame.to_dict("records")}
    for signal in signals:
        shown = by_label[signal["label"]]
        assert same(shown["percentile"], signal["peer_percentile"]), signal["signal"]
        assert same(shown["weight"], signal["weight"]), signal["signal"]
        if signal["value"] is not None:
            write = BY_KEY[signal["signal"]].show if signal["signal"] in BY_KEY else words.short
            assert shown["value"] == write(signal["value"]), signal["signal"]


def test_each_campaign_shows_what_its_record_says(whole: Path, ask: Ask) -> None:
    scored = {row["account_id"]: row for row in ask("score", "--format", "jsonl")}
    for group in ask("campaigns", "--all", "--format", "jsonl"):
        app = page(whole, "campaign", campaign=group["campaign_id"])
        said = texts(app)
        assert f"score {words.score(group['score'])}" in said
        for name, value in (("p", group["p_value"]), ("q", group["q_value"])):
            assert value is None or f"{name} {words.short(value)}" in said
        frame = table(app, "id", "reason", "n_prompts")
        assert set(frame["id"]) == set(group["accounts"])
        members = [scored[i] for i in frame["id"].tolist()]
        names = {"score": "score", "n_requests": "n_requests", "n_prompts": "n_prompts", "state": "state"}
        assert differing(frame, members, names) == []


def test_clusters_show_what_their_command_prints(whole: Path, ask: Ask) -> None:
    printed = {row["cluster_id"]: row for row in ask("cluster", "--format", "json")}
    frame = table(page(whole, "clusters"), "id", "n_prompts", "flagged")
    assert set(frame["id"]) == set(printed)
    names = {
        "name": "name", "capability": "capability_name", "n_prompts": "n_prompts", "n_requests": "n_requests",
        "n_accounts": "n_accounts", "n_flagged": "n_flagged_accounts", "flagged": "flagged_share",
    }  # fmt: skip
    assert differing(frame, [printed[i] for i in frame["id"].tolist()], names) == []
    for cluster in printed:
        facts = ask("cluster", str(cluster), "--format", "json")
        app = page(whole, "clusters", cluster=str(cluster))
        assert words.thin(facts["headline"]) in texts(app)
        names = {"n_requests": "n_requests", "of_cluster": "share_of_cluster", "of_account": "share_of_account"}
        shown = table(app, "of_cluster", "of_account")
        assert differing(shown, facts["accounts"][: len(shown)], names) == []
