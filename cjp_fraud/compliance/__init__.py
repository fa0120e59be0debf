"""Evidence bundles and retention."""
