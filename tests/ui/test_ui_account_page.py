"""The account page: why, with the prompts behind it; choices in the address; releases; the way to a comparison."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest
from ui_app import Open, open_app, texts

from sweeplens.report.account import account_evidence
from sweeplens.report.queue import account_queue
from sweeplens.signals.catalog import BY_KEY
from sweeplens.store.snapshot import Snapshot


def figures(app: AppTest) -> list[Any]:
    return [json.loads(chart.proto.spec) for chart in app.get("plotly_chart")]


def labels(figure: Any) -> list[str]:
    """Names on the vertical axis of a chart."""
    return list(figure["layout"]["yaxis"].get("ticktext", []))


def keyed(widgets: Iterable[Any], key: str) -> Any:
    return next(w for w in widgets if w.key == key)


def listed(app: AppTest) -> list[Any]:
    """Tables of prompts, the one of the whole account last."""
    return [d.value for d in app.dataframe if "text" in d.value]


def test_the_strongest_reasons_are_drawn_with_what_they_add(open_page: Open) -> None:
    why = figures(open_page("account", account="dealt-a"))[0]
    said = [a["text"] for a in why["layout"]["annotations"]]
    assert any(s.startswith("Asks like 2 other accounts") for s in said)
    assert "+2.00" in said
    assert "+1.50" in said


def test_a_reason_leads_to_the_prompts_that_show_it(open_page: Open) -> None:
    app = open_page("account", account="lone")
    assert len(listed(app)) == 1
    pills = keyed(app.button_group, "choice-why")
    pills.set_value("cells").run()
    shown = listed(app)[0]
    assert len(shown) == 20
    assert "Its prompts: the first in each cell, in order of arrival." in texts(app)
    assert f"Honest use that looks the same: {BY_KEY['cells'].fools}." in texts(app)


def test_the_address_names_the_reason_the_axis_and_the_rows(open_page: Open) -> None:
    app = open_page("account", account="lone", why="cells", axis="arrival", rows="cluster")
    assert "Its prompts: the first in each cell" in texts(app)
    order = next(f for f in figures(app) if "python, function" in labels(f))
    assert order["layout"]["xaxis"]["title"]["text"] == "order of arrival"
    assert labels(order) == [
        "python, function",
        "translate, french",
        "integral, solve",
        "soup, recipe",
        "in no cluster",
    ]


def test_a_reason_that_no_prompt_shows_says_so(open_page: Open) -> None:
    app = open_page("account", account="dealt-a", why="campaign")
    assert "No single prompt shows this: it is what the page of its campaign shows." in texts(app)


@pytest.mark.parametrize("why", ["no such reason", "campaign"])
def test_a_reason_that_this_account_does_not_have_is_left_out(open_page: Open, why: str) -> None:
    app = open_page("account", account="lone", why=why)
    assert len(listed(app)) == 1
    assert "shows this" not in texts(app)


def test_hidden_prompts_stay_hidden_behind_a_reason(open_page: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SWEEPLENS_HIDE_PROMPTS", "true")
    app = open_page("account", account="lone", why="cells")
    assert len(listed(app)) == 2
    for table in listed(app):
        assert not table["text"].str.contains("Python|French|integral|soup").any()


def test_all_signals_have_their_family_and_what_fools_them(open_page: Open, snapshot: Snapshot) -> None:
    table = next(d.value for d in open_page("account", account="lone").dataframe if "median" in d.value)
    facts = account_evidence(snapshot, "lone").signals
    assert list(table["label"]) == [f.label for f in facts]
    assert list(table["family"]) == [f.family for f in facts]
    assert list(table["fools"]) == [f.fools for f in facts]


def test_releases_are_marked_on_the_timeline(open_page: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "releases.toml"
    path.write_text('[[release]]\ndate = 2026-03-08\nname = "<b>Nova</b>"\n', encoding="utf-8")
    monkeypatch.setenv("SWEEPLENS_RELEASES", str(path))
    app = open_page("account", account="lone")  # active on 9 March
    names = [a["text"] for f in figures(app) for a in f["layout"].get("annotations", [])]
    assert "&lt;b&gt;Nova&lt;/b&gt;" in names
    path.write_text("[[release]]\ndate = 5\n", encoding="utf-8")
    app = open_page("account", account="lone")
    assert "must have a date and a name" in texts(app)
    assert len(figures(app)) == 6


def test_near_accounts_and_members_are_offered_to_compare_with(open_page: Open, snapshot: Snapshot) -> None:
    app = open_page("account", account="dealt-a")
    near = [n.account_id for n in account_evidence(snapshot, "dealt-a").nearest]
    offered = keyed(app.multiselect, "compare-with")
    assert [o.split(",")[0] for o in offered.options[: len(near)]] == near
    assert {"dealt-b", "dealt-c"} <= {o.split(",")[0] for o in offered.options}
    assert keyed(app.button, "compare-go").disabled
    offered.set_value(["dealt-c", "lone"]).run()
    keyed(app.button, "compare-go").click().run()
    assert app.query_params["accounts"] == ["dealt-a", "dealt-c", "lone"]


def test_the_nearest_can_be_compared_at_once(open_page: Open, snapshot: Snapshot) -> None:
    app = open_page("account", account="shop")
    near = [n.account_id for n in account_evidence(snapshot, "shop").nearest[:3]]
    keyed(app.button, "compare-near").click().run()
    assert app.query_params["accounts"] == ["shop", *near]


def test_the_next_account_keeps_the_rows_and_the_reason_goes(open_page: Open, snapshot: Snapshot) -> None:
    ids = [row.account_id for row in account_queue(snapshot)]
    app = open_page("account", account=ids[0], rows="cluster", why="cells")
    next(b for b in app.button if b.label == "Next in the queue").click().run()
    assert f"Account `{ids[1]}`" in texts(app)
    assert app.query_params["rows"] == "cluster"
    assert "why" not in app.query_params
    assert any("python, function" in labels(f) for f in figures(app))
    keyed(app.button_group, "choice-rows").set_value("capability").run()
    assert "rows" not in app.query_params


def test_prompts_can_stand_by_cluster(open_page: Open) -> None:
    app = open_page("account", account="lone")
    next(w for w in app.segmented_control if w.label == "Order").set_value("cluster").run()
    clusters = list(listed(app)[-1]["cluster"])
    assert clusters == sorted(
        clusters, key=["python, function", "translate, french", "integral, solve", "soup, recipe", "no cluster"].index
    )


def test_the_list_of_accounts_narrows_by_id_and_level(open_page: Open, snapshot: Snapshot) -> None:
    app = open_page("account", id="DEALT", level="high")
    assert list(app.dataframe[0].value["id"]) == ["dealt-a", "dealt-b", "dealt-c"]
    watched = [row.account_id for row in account_queue(snapshot) if row.level == "watch"]
    assert list(open_page("account", level="watch").dataframe[0].value["id"]) == watched
    assert "No account has this in its id" in texts(open_page("account", id="nobody"))


def test_a_detector_at_hand_adds_the_parts_up(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from sweeplens.report.contributions import Contributions
    from sweeplens.ui.reads import account as reads

    whole = Contributions(-2.0, {"cells": 3.0}, {"cells": 1.0}, 0.0, 0.5, 1.5)
    monkeypatch.setattr(reads, "contributions", lambda snapshot, account_id: whole)
    monkeypatch.setenv("SWEEPLENS_STORE", str(store))
    said = texts(open_app(store, "account", account="lone"))
    assert "−2.00 to start with, +3.00 from its signals, +0.50 from its campaign" in said
