"""From signals to a score with reasons, and from accounts to campaigns."""
