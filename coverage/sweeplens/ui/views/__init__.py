"""One module for each page; each has a function `show` that draws it."""
