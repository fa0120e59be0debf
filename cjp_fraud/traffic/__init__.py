"""Traffic: its schema, the sources, validation and quarantine, the lake, and the grid."""
