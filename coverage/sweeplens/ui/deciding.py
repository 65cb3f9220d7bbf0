"""What analysts decide about a case: its state in one line, the form for a verdict, who is to look, and the history."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Literal

import streamlit as st

from sweeplens.errors import AccessError, SweepLensError
from sweeplens.report.cases import Subject, decision_on, detector_of
from sweeplens.review.assigning import assign
from sweeplens.review.verdicts import (
    ALLOWING,
    VERDICTS,
    Verdict,
    VerdictConflictError,
    add_verdicts,
    history,
)
from sweeplens.text import content_hash, one_line
from sweeplens.ui import access, data, downloads, parts, words
from sweeplens.ui.safe import full_text

if TYPE_CHECKING:
    from sweeplens.review.cases import Case
    from sweeplens.store.snapshot import Snapshot

_LONGEST = 3660  # days that an entry of the allow-list may last
_HISTORY = 50  # verdicts that are listed
_NOBODY = ""
CaseKind = Literal["account", "campaign"]
_SAVE_HELP = (
    "Benign, benchmark and tenant put the case on the allow-list: it is settled until the date, stays in grouping, and "
    "reopens when its level rises."
)
_COLOURS: Mapping[str, Literal["red", "orange", "blue", "gray"]] = {
    "open": "gray", "reopened": "orange", "unsure": "orange", "confirmed": "red", "allowed": "blue",
}  # fmt: skip
Seen = Mapping[Subject, int | None]  # the last verdict that the analyst knew of, by case


def bar(snapshot: "Snapshot", kind: CaseKind, subject: str) -> None:
    """Draw the state of one case, and for those who may write the form to decide it."""
    # What the analyst knows is what the page showed as it was opened: the form alone, drawn again, does not add to it.
    past = history(snapshot.folder.parent, kind, subject)
    _bar(snapshot, kind, subject, {(kind, subject): past[0].id if past else None})


@parts.fragment
def _bar(snapshot: "Snapshot", kind: CaseKind, subject: str, seen: Seen) -> None:
    key = f"decide-{kind}-{content_hash(subject)[:8]}"
    past = history(snapshot.folder.parent, kind, subject)
    with st.container(border=True, key=f"{key}-bar", gap="small"):
        case = data.cases(snapshot).of(kind, subject)
        said, tools = st.columns([3, 2], vertical_alignment="center")
        with said:
            _state(snapshot, case)
        with tools, st.container(horizontal=True, horizontal_alignment="right", gap="small"):
            if access.may_write():
                _assignee(snapshot, [(kind, subject)], key, case.assignee)
            _history(past, key)
            _report(snapshot, kind, subject, key)
        if access.may_write():
            _form(snapshot, [(kind, subject)], seen, key)


def decide_many(
    snapshot: "Snapshot", subjects: Sequence[Subject], key: str = "decide-many",
    done: Callable[[int], None] | None = None,
) -> None:  # fmt: skip
    """Draw the form that decides several cases at once, all or none; `done` is called with how many were saved."""
    last = data.last_verdicts(snapshot)
    _many(snapshot, subjects, {s: last[s].id if s in last else None for s in subjects}, key, done)


@parts.fragment
def _many(
    snapshot: "Snapshot", subjects: Sequence[Subject], seen: Seen, key: str, done: Callable[[int], None] | None
) -> None:
    if done is not None and (saved := st.session_state.pop(f"{key}-saved", None)):
        done(saved)
    if not access.may_write():
        st.caption("A viewer may look, but not decide.")
        return
    decided = sum(last is not None for last in seen.values())
    earlier = (
        f"; {words.count(decided)} of them {'has a verdict' if decided == 1 else 'have verdicts'}" if decided else ""
    )
    with st.container(border=True, key=f"{key}-bar"):
        st.markdown(f"**{words.counted(len(subjects), 'case')} chosen{earlier}**")
        _form(snapshot, subjects, seen, key)
        _assignee(snapshot, subjects, key, _NOBODY)


def state_sentence(case: "Case") -> str:
    """Say in one sentence how a case stands."""
    verdict = case.verdict
    if verdict is None:
        return "No verdict yet."
    whose = f" with its campaign {case.through}" if case.through else ""
    by = f"by {_who(verdict)}, {words.moment(verdict.at)} UTC"
    if case.state == "reopened":
        return f"{case.why} It was {verdict.verdict} {by}."
    if case.state == "allowed" and case.ends is not None:
        return f"{verdict.verdict.capitalize()}{whose}, allowed until {words.day(case.ends)}; {by}."
    return f"{verdict.verdict.capitalize()}{whose}, {by}."


def _state(snapshot: "Snapshot", case: "Case") -> None:
    drawn = case.kind == "account" and case.subject in data.audited(snapshot)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.badge(case.state, color=_COLOURS[case.state])
        if drawn:
            st.badge(
                "audit", color="gray", help="Drawn at random to estimate what is missed: decide it as you find it."
            )
        st.text(state_sentence(case))


def _form(snapshot: "Snapshot", subjects: Sequence[Subject], seen: Seen, key: str) -> None:
    settings = data.settings()
    first, second, third, fourth = st.columns([1.4, 3.4, 1.1, 1.1], vertical_alignment="center")
    verdict = first.selectbox(
        "Verdict", VERDICTS, index=None, key=f"{key}-verdict", placeholder="Verdict", label_visibility="collapsed",
        format_func=str.capitalize, help="Confirmed sweep teaches the detector as attack, benign and tenant as benign.",
    )  # fmt: skip
    second.text_input(
        "Note", key=f"{key}-note", placeholder="Note: why, for whoever reads this next", max_chars=10_000,
        label_visibility="collapsed",
    )  # fmt: skip
    today = datetime.now(UTC).date()
    if verdict in ALLOWING:
        third.date_input(
            "Allow until", today + timedelta(days=settings.allow_days), key=f"{key}-until", format="YYYY-MM-DD",
            min_value=today + timedelta(days=1), max_value=today + timedelta(days=_LONGEST),
            help="The case is settled until then, stays in grouping, and reopens when its level rises.",
            label_visibility="collapsed",
        )  # fmt: skip

    def save(known: Seen) -> None:
        mine: Seen = st.session_state.get(f"{key}-own", {})
        _save(snapshot, [(s, _latest(seen.get(s), mine.get(s), known.get(s))) for s in subjects], key)

    fourth.button(
        "Save", key=f"{key}-save", type="primary", disabled=verdict is None, on_click=save, args=({},),
        shortcut="Ctrl+Enter", width="stretch", help=_SAVE_HELP,
    )  # fmt: skip
    _outcome(key, save)


def _save(snapshot: "Snapshot", subjects: Sequence[tuple[Subject, int | None]], key: str) -> None:
    """Add the verdicts that the form says and leave what came of it for the next drawing."""
    state = st.session_state
    verdict, note, until = str(state[f"{key}-verdict"]), state[f"{key}-note"], state.get(f"{key}-until")
    ends = datetime.combine(until, time(23, 59, 59), UTC) if isinstance(until, date) and verdict in ALLOWING else None
    try:
        _need(access.may_write())
        audit = data.settings().audit
        decisions = [
            decision_on(snapshot, kind, subject, verdict, note=note, until=ends, seen=seen, audit=audit)
            for (kind, subject), seen in subjects
        ]
        added = add_verdicts(
            snapshot.folder.parent, decisions, by=access.visitor().person, snapshot_id=snapshot.snapshot_id,
            detector=detector_of(snapshot),
        )  # fmt: skip
    except VerdictConflictError as conflict:
        state[f"{key}-conflict"] = conflict.latest
    except SweepLensError as error:
        state[f"{key}-failed"] = parts.sentence(error)
    else:
        state[f"{key}-saved"] = len(decisions)
        state[f"{key}-own"] = {(v.kind, v.subject): v.id for v in added}
        state[f"{key}-verdict"], state[f"{key}-note"] = None, ""


def _latest(*ids: int | None) -> int | None:
    """Return the last of the verdicts that the analyst knows of, None where there is none."""
    return max((i for i in ids if i is not None), default=None)


def _outcome(key: str, save: Callable[[Seen], None]) -> None:
    """Say what came of the last click; where somebody else was first, show what they decided before it is overruled."""
    state = st.session_state
    failed, saved = state.pop(f"{key}-failed", None), state.pop(f"{key}-saved", None)
    if failed:
        st.text(failed)
    if saved:
        st.caption("The verdict is saved." if saved == 1 else f"{words.count(saved)} verdicts are saved.")
    latest: Sequence[Verdict] = state.get(f"{key}-conflict", ())
    if not latest:
        return
    st.text(
        f"Not saved: {'somebody has' if len(latest) == 1 else f'others have {len(latest)} times'} decided since you "
        "opened this. Read it first."
    )
    for verdict in latest[:5]:
        st.text(_line(verdict, subject=True))
    with st.container(horizontal=True):
        known = {(v.kind, v.subject): v.id for v in latest}
        st.button("Save mine as the last word", key=f"{key}-over", on_click=_over, args=(key, save, known))
        st.button("Leave it", key=f"{key}-leave", type="tertiary", on_click=lambda: state.pop(f"{key}-conflict", None))


def _over(key: str, save: Callable[[Seen], None], known: Seen) -> None:
    st.session_state.pop(f"{key}-conflict", None)
    save(known)


def _assignee(snapshot: "Snapshot", subjects: Sequence[Subject], key: str, present: str) -> None:
    me = access.visitor().name
    names = list(dict.fromkeys(n for n in (me, present, *sorted(set(data.assignees(snapshot).values()))) if n))
    chosen = f"{key}-assignee"

    def give() -> None:
        try:
            _need(access.may_write())
            name = st.session_state.get(chosen) or _NOBODY
            assign(snapshot.folder.parent, list(subjects), name, by=access.visitor().person)
        except SweepLensError as error:
            st.session_state[f"{key}-failed"] = parts.sentence(error)

    if present and chosen not in st.session_state:
        st.session_state[chosen] = present
    st.selectbox(
        "Assigned to", names, index=None, key=chosen, on_change=give, placeholder="assigned to nobody",
        accept_new_options=True, format_func=lambda n: f"{one_line(n, 40)} (me)" if n == me else one_line(n, 40),
        label_visibility="collapsed", width=190,
    )  # fmt: skip


def _history(past: Sequence[Verdict], key: str) -> None:
    with st.popover(f"History ({len(past)})", disabled=not past, key=f"{key}-history"):
        for verdict in past[:_HISTORY]:
            st.text(_line(verdict))
            if verdict.note:
                st.code(full_text(verdict.note), language=None, wrap_lines=True)
        if len(past) > _HISTORY:
            st.caption(f"{words.count(len(past) - _HISTORY)} older ones are in the file of verdicts.")


def _who(verdict: Verdict) -> str:
    return f"{one_line(verdict.analyst, 60)}{'' if verdict.verified else ' (unverified)'}"


def _line(verdict: Verdict, *, subject: bool = False) -> str:
    """Return one verdict in a line: what, by whom, when, on which snapshot."""
    about = f"{verdict.kind} {one_line(verdict.subject, 60)}: " if subject else ""
    until = f" until {words.day(verdict.until)}" if verdict.until else ""
    note = f" “{one_line(verdict.note, 120)}”" if subject and verdict.note else ""
    return (
        f"{about}{verdict.verdict}{until} by {_who(verdict)}, {words.moment(verdict.at)} UTC, "
        f"snapshot {verdict.snapshot_id}, detector {verdict.detector}{note}"
    )


def _report(snapshot: "Snapshot", kind: CaseKind, subject: str, key: str) -> None:
    """Offer the evidence report of a case; its prompts are left out where prompts are hidden."""

    def make(form: Literal["html", "json"]) -> bytes:
        from sweeplens.report.paper import make_report
        from sweeplens.report.releases import load_releases

        who, settings = access.visitor(), data.settings()
        return make_report(
            snapshot, kind, subject, format=form, text=not data.hidden(), by=who.name, verified=who.verified,
            releases=load_releases(settings.releases) if settings.releases else (), allow_days=settings.allow_days,
        )  # fmt: skip

    name = f"sweeplens-{kind}-{subject}"
    with st.popover("Report", key=f"{key}-report"):
        st.text("Everything on this page in one file, with pictures; keys and addresses in prompts are masked.")
        downloads.offer("HTML, to read or print", name, lambda: make("html"), key=f"{key}-html", kind="html")
        downloads.offer("JSON, for programs", name, lambda: make("json"), key=f"{key}-json", kind="json")


def _need(allowed: bool) -> None:
    if not allowed:
        raise AccessError("a viewer may look, but not write: ask for the role analyst")
