"""All that model and RTL share: configuration, parameters, statuses, streams. Standard library only."""
