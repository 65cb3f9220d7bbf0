"""The evidence report: one account or campaign as a file that stands alone, HTML for people, JSON for programs."""
