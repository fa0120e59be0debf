"""Delivery reports, a file a kind of report."""
