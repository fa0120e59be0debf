"""Charts: the same ones for pages, letters, bundles and notebooks."""
