"""Let `python -m sweeplens` be `sweeplens`."""

from sweeplens.cli import main

if __name__ == "__main__":
    main()
