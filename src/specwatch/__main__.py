"""`python -m specwatch` is the command `specwatch`."""

from specwatch.cli import main

if __name__ == "__main__":
    main()
