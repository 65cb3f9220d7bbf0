"""What analysts decided: verdicts on accounts and campaigns, kept beside the snapshots and never overwritten."""

from sweeplens.review.erasure import forget_accounts
from sweeplens.review.verdicts import VERDICTS, Verdict, add_verdict, history, latest_verdicts

__all__ = ["VERDICTS", "Verdict", "add_verdict", "forget_accounts", "history", "latest_verdicts"]
