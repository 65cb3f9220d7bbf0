"""Erase what analysts wrote about an account that must be forgotten; the trail keeps how much went, and when."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import delete, insert, select, update

from sweeplens.review.database import FILE, erasing, erasures, purge_review, verdicts, write_review

_ERASED = "[erased]"
_SHORTEST = 4  # characters of an id that is looked for in notes: a shorter one may be a word


def forget_accounts(store: Path, account_ids: Sequence[str]) -> int:
    """Delete all verdicts on these accounts for good, and return how many there were.

    In notes on others, an id of four characters or more that stands as a word becomes "[erased]". Afterwards the file
    and its journal hold no bytes of either. A store without verdicts stays as it is. Raises `StoreError` when the
    file cannot be written, or is read by others for too long; then the next call goes on.
    """
    if not account_ids or not (store / FILE).is_file():
        return 0
    with write_review(store) as connection, erasing(connection):
        gone, notes = 0, 0
        for account_id in account_ids:
            about = (verdicts.c.kind == "account") & (verdicts.c.subject == account_id)
            gone += connection.execute(delete(verdicts).where(about)).rowcount
            if len(account_id) < _SHORTEST:
                continue
            word = re.compile(rf"(?<![\w-]){re.escape(account_id)}(?![\w-])")
            named = select(verdicts.c.id, verdicts.c.note).where(verdicts.c.note.contains(account_id, autoescape=True))
            for number, note in connection.execute(named).all():
                cleaned = word.sub(_ERASED, note)
                if cleaned != note:
                    connection.execute(update(verdicts).where(verdicts.c.id == number).values(note=cleaned))
                    notes += 1
        if gone or notes:
            row = {"at": datetime.now(UTC), "n_verdicts": gone, "n_notes": notes}
            connection.execute(insert(erasures).values(**row))
    purge_review(store)
    return gone
