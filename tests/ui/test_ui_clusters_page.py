"""The pages of clusters: the list, one cluster, and what analysts call it."""

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest
from ui_app import Open, open_app, texts

from support.altered import Altered, publish
from support.small_store import write_small_store
from sweeplens.report.cluster import cluster_evidence, cluster_table
from sweeplens.report.columns import columns_of
from sweeplens.report.ground import map_points
from sweeplens.report.growth import count_spans
from sweeplens.review.naming import cluster_names, name_cluster, name_history
from sweeplens.review.people import Person
from sweeplens.store.schema import make_table
from sweeplens.store.snapshot import Snapshot, open_snapshot
from sweeplens.ui.charts.cluster import clusters_title, draw_clusters, draw_growth, growth_title
from sweeplens.ui.mapping.companion import names_of
from sweeplens.ui.safe import code_span
from sweeplens.ui.tables.clusters import clusters
from sweeplens.ui.theme import PALETTES

HOSTILE = "[x](http://e.x) <b> $a$ `c`"


@pytest.fixture
def open_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Open:
    """Open pages of a store that a test may write into: the small one, made from a snapshot before."""
    first = write_small_store(tmp_path)
    lineage = make_table("lineage", {
        "kind": ["cluster"] * 4, "id": ["0", "1", "2", "3"], "event": ["kept", "born", "merged", "kept"],
        "parents": [["0"], [], ["2", "5"], ["3"]], "n_before": [8, 0, 9, 8], "n_after": [10, 10, 10, 8],
        "n_shared": [8, 0, 9, 8],
    })  # fmt: skip
    publish(tmp_path, Altered(first, {"lineage": lineage}, parent=first.snapshot_id))
    monkeypatch.setenv("SWEEPLENS_STORE", str(tmp_path))

    def open_it(page: str = "", **params: str) -> AppTest:
        app = open_app(tmp_path, page, **params)
        assert not app.exception, [e.message for e in app.exception]
        return app

    return open_it


def ids(app: AppTest) -> list[int]:
    return [int(i) for i in app.dataframe[0].value["id"]]


def name(app: AppTest, given: str, *, pinned: bool = False) -> AppTest:
    """Fill in the form that names a cluster, and send it."""
    cluster = app.query_params["cluster"]
    app.text_input(key=f"cluster-name-{cluster}").set_value(given)
    app.checkbox(key=f"cluster-pin-{cluster}").set_value(pinned)
    next(b for b in app.button if b.label == "Keep").click()
    return app.run()


def test_the_list_says_how_clusters_grew(open_own: Open, tmp_path: Path) -> None:
    listed = open_own("clusters").dataframe[0].value
    assert list(listed["since"]) == [0.25, float("inf"), pytest.approx(float("nan"), nan_ok=True), 0.0]
    assert [list(week) for week in listed["weekly"]] == count_spans(open_snapshot(tmp_path)).requests.tolist()
    app = open_own("clusters", order="growth")
    assert ids(app) == [1, 0, 3, 2]


def test_a_word_finds_clusters_by_name_and_terms(open_page: Open) -> None:
    app = open_page("clusters")
    app.text_input(key="cluster-words").set_value("FREN").run()
    assert ids(app) == [1]
    assert "words" not in app.query_params
    app.text_input(key="cluster-words").set_value("nothing of the kind").run()
    assert "No cluster matches these filters." in texts(app)


def test_the_page_says_what_became_of_it(open_own: Open) -> None:
    assert "2 prompts more than in the snapshot before" in texts(open_own("clusters", cluster="0")).lower()
    assert "New since the snapshot before" in texts(open_own("clusters", cluster="1"))
    assert "Merged from clusters 2, 5, which had 9 prompts" in texts(open_own("clusters", cluster="2"))


def test_a_name_is_kept_and_stands_everywhere(open_own: Open, tmp_path: Path) -> None:
    app = name(open_own("clusters", cluster="1"), f"  {HOSTILE} ", pinned=True)
    assert not app.exception
    kept = cluster_names(tmp_path)[1]
    assert (kept.name, kept.pinned, kept.verified) == (HOSTILE, True, False)
    assert kept.snapshot_id == open_snapshot(tmp_path).snapshot_id
    said = texts(app)
    assert f"Cluster 1 {code_span(HOSTILE)}" in said
    assert "the map calls it `translate, french`" in said
    history = next(d.value for d in app.dataframe if "who" in d.value)
    assert list(history["name"]) == [HOSTILE, "translate, french"]
    assert history["who"][0].endswith(" (unverified)")
    assert history["who"][1] == "the map itself"
    listed = open_own("clusters").dataframe[0].value
    assert listed.iloc[0][["id", "name", "pinned"]].tolist() == [1, HOSTILE, "pinned"]
    tables = open_own("account", account="chat-2").dataframe
    assert any(HOSTILE in list(d.value["cluster"]) for d in tables if "cluster" in d.value)


def test_a_pinned_cluster_stays_on_top_in_every_order(open_own: Open, tmp_path: Path) -> None:
    name_cluster(tmp_path, 3, name=None, pinned=True, by=Person("ann"), snapshot_id="s")
    for order in ("prompts", "flagged", "accounts", "growth"):
        assert ids(open_own("clusters", order=order))[0] == 3


def test_nothing_gives_the_found_name_back_and_the_trail_stays(open_own: Open, tmp_path: Path) -> None:
    app = name(open_own("clusters", cluster="1"), "French")
    app = name(app, "")
    assert "Cluster 1 `translate, french`" in texts(app)
    assert [n.name for n in name_history(tmp_path, 1)] == [None, "French"]


def test_a_name_that_somebody_else_gives_is_there_at_the_next_click(open_own: Open, tmp_path: Path) -> None:
    app = open_own("clusters", cluster="1")
    assert "Cluster 1 `translate, french`" in texts(app)
    name_cluster(tmp_path, 1, name="Bob's", pinned=False, by=Person("bob"), snapshot_id="s")
    assert "Cluster 1 `Bob's`" in texts(app.run())


def test_a_viewer_cannot_name(open_page: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sweeplens.ui.access.may_write", lambda: False)
    app = open_page("clusters", cluster="1")
    assert not [b for b in app.button if b.label == "Keep"]


def test_circles_carry_their_cluster_and_pinned_ones_are_named(snapshot: Snapshot) -> None:
    rows = cluster_table(snapshot)
    crowded = [replace(r, x=0.0, y=0.0, pinned=r.cluster_id == 3) for r in rows]
    figure = draw_clusters(PALETTES["light"], map_points(snapshot), crowded).figure
    assert sorted(figure.data[1].customdata) == [0, 1, 2, 3]
    assert [a.text for a in figure.layout.annotations] == ["soup, recipe"]
    halves = [replace(r, flagged_share=0.4 + 0.1 * r.cluster_id) for r in rows]
    assert clusters_title(halves) == "2 of 4 clusters come mostly from flagged accounts"


def test_pinned_clusters_are_named_first_on_the_map(open_own: Open, tmp_path: Path) -> None:
    name_cluster(tmp_path, 3, name="Kitchen", pinned=True, by=Person("ann"), snapshot_id="s")
    assert not open_own("map").exception
    rows = cluster_table(open_snapshot(tmp_path))
    assert names_of(rows)[0][2] == "Kitchen"


def test_growth_is_drawn_by_span(snapshot: Snapshot) -> None:
    facts = cluster_evidence(snapshot, 0)
    figure = draw_growth(PALETTES["dark"], facts.weekly, facts.span_days).figure
    flagged, others = (list(trace.y) for trace in figure.data)
    assert [f + o for f, o in zip(flagged, others, strict=True)] == [n for _, n, _ in facts.weekly]
    assert flagged == [f for _, _, f in facts.weekly]
    assert growth_title([(date(2026, 3, 2), 4, 1), (date(2026, 3, 9), 8, 8)], 7) == (
        "Busiest on 9–15 Mar: 8 requests, 100 % flagged"
    )
    assert growth_title([(date(2026, 3, 30), 4, 1)], 7).startswith("Busiest on 30 Mar – 5 Apr: 4 requests")
    assert growth_title([], 1) == "The log has no times for these requests"


def test_the_table_writes_growth_as_people_read_it(snapshot: Snapshot) -> None:
    rows = cluster_table(snapshot)
    some = [
        replace(rows[0], growth=0.25), replace(rows[1], growth=-0.5), replace(rows[2], event="born"),
        replace(rows[3], growth=0.0),
    ]  # fmt: skip
    shown = clusters(some, {})._translate(True, True)["body"]
    column = [row[6]["display_value"] for row in shown]
    assert column == ["+25.0 %", "−50.0 %", "new", "same"]
    assert columns_of(snapshot).naming.last == 0
