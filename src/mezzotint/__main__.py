"""`python -m mezzotint` is the command line."""

from mezzotint.interfaces.cli.main import main

if __name__ == "__main__":
    main()
