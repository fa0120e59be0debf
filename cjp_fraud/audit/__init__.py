"""The audit log: a hash chain of ids and digests; personal texts beside it, erasable."""
