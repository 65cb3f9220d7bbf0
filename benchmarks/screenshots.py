"""Take a screenshot of every page in both themes: python benchmarks/screenshots.py STORE OUT [WIDTH HEIGHT]."""

import os
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "browser"))

from app_server import chromium, serve, settle

from sweeplens.report.campaign import campaign_evidence
from sweeplens.report.facts import CampaignRow
from sweeplens.report.queue import account_queue, campaign_queue
from sweeplens.store.snapshot import open_snapshot
from sweeplens.ui.links import address


def views(store: Path) -> dict[str, str]:
    """Return name -> address of what is pictured."""
    snapshot = open_snapshot(store)
    campaigns = campaign_queue(snapshot, include_all=True)
    alone = [a for a in account_queue(snapshot) if a.campaign_id is None]
    found = {
        "queue": address("queue"), "queue-new": address("queue", only="new"),
        "queue-filtered": address("queue", level=["high", "review"], state="open", language="English", show="accounts"),
        "accounts": address("account"), "campaigns": address("campaign"),
        "clusters": address("clusters"), "map": address("map"), "map-cluster": address("map", colour="cluster"),
        "map-level": address("map", colour="level"), "cluster": address("clusters", cluster="0"),
        "account": address("account", account=alone[0].account_id),
        "account-low": address("account", account=alone[len(alone) * 3 // 4].account_id),
        "account-clusters": address(
            "account", account=alone[0].account_id, axis="arrival", rows="cluster", why="pack"
        ),
        "compare": address("compare", accounts=[a.account_id for a in (*alone[:2], alone[len(alone) * 3 // 4])]),
        "compare-two": address("compare", accounts=[alone[0].account_id, "no such account"]),
        "map-account": address("map", account=alone[0].account_id), "map-like": address("map", like="0"),
        "map-accounts": address("map", accounts=[a.account_id for a in alone[:4]]),
        "map-filtered": address("map", colour="cluster", level=["high", "review"]),
        "map-time": address("map", colour="time"), "coverage": address("coverage"),
        "coverage-topic": address("coverage", capability="Mathematics", rows="all"),
        "coverage-alike": address("coverage", order="alike"), "snapshots": address("snapshots"),
        "decisions": address("decisions"),
    }  # fmt: skip
    if campaigns:
        largest, honest = (max(group, key=lambda c: len(c.accounts)) for group in _halves(campaigns))
        found["campaign"] = address("campaign", campaign=campaigns[0].campaign_id)
        found["campaign-largest"] = address("campaign", campaign=largest.campaign_id)
        found["campaign-honest"] = address("campaign", campaign=honest.campaign_id)
        found["campaigns-sweeps"] = address("campaign", label="sweep", level="review")
        found["member"] = address(
            "account", account=campaign_evidence(snapshot, campaigns[0].campaign_id).members[0].account_id
        )
    return found


def _halves(campaigns: list[CampaignRow]) -> tuple[list[CampaignRow], list[CampaignRow]]:
    """Return the groups that look like a sweep and the others; all where there are none of a kind."""
    sweeps = [c for c in campaigns if c.label == "sweep"]
    return sweeps or campaigns, [c for c in campaigns if c.label != "sweep"] or campaigns


def main() -> None:
    store, out = Path(sys.argv[1]).resolve(), Path(sys.argv[2])
    width, height = (int(v) for v in sys.argv[3:5]) if len(sys.argv) > 4 else (1280, 800)
    only = set(sys.argv[5:])
    out.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as home,
        serve(store, Path(home) / "server.log", Path(home)) as app,
        chromium() as browser,
    ):
        for theme in os.environ.get("THEMES", "light dark").split():
            context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=theme)
            for name, path in views(store).items():
                if only and name not in only:
                    continue
                page = context.new_page()
                page.goto(f"{app.url}/{path}")
                settle(page)
                page.wait_for_timeout(700)  # fades of the first paint
                page.screenshot(path=out / f"{name}-{theme}.png")
                page.close()
        print(app.log.read_text(encoding="utf-8")[-3000:])


if __name__ == "__main__":
    main()
