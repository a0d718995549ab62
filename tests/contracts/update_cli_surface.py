"""`python -m tests.contracts.update_cli_surface` writes cli_surface.json after a wanted change of the command line."""

from mezzotint.interfaces.cli.main import cli
from tests.contracts.cli_surface import SURFACE, as_text, surface

if __name__ == "__main__":
    SURFACE.write_text(as_text(surface(cli)))
    print(f"wrote {SURFACE.name}; review its diff, and note the change in CHANGELOG.md")
