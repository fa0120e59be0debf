"""The gate, measures, the platform client, reinstatement, reconciliation."""
