"""Sources of traffic, a file a kind: each yields batches of rows with their origin."""
