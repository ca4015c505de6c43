"""Markdown tables."""

from amper_report.tables import table


def test_a_bar_does_not_end_its_cell():
    """Whether it is escaped already or not."""
    assert table(["name", 1], [["|CSP|", "x \\| y"]]) == "| name | 1 |\n|---|---|\n| \\|CSP\\| | x \\| y |"
