"""How people reach Mezzotint: the command line."""
