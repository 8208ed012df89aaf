"""`python -m explorer`."""

from explorer.cli.commands import main

if __name__ == "__main__":
    main()
