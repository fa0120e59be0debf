"""Flags, episodes, frozen evidence, cases, determinations, proposals, approvals, disputes."""
