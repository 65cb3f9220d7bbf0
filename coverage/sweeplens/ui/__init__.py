"""The app: thin pages that read a snapshot through `report` and draw it."""
