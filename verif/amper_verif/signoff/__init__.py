"""All of verification in one run: stages that are kept as they finish, one JSON and one page."""
