"""From the candidate set to drawn rows."""
