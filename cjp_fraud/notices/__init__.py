"""Notices: plans, letters, dispatch over SMTP, delivery evidence; touches no case."""
