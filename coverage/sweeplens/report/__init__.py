"""What is known about an account, a campaign, a cluster or a prompt: read from one snapshot, shown by CLI and app."""
