"""Parts of the queue: its filters, saved views, what is chosen, and files to take away."""
