"""Read API logs: one reader for each format, all of them giving the same canonical request rows."""
