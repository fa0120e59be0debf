"""The JSON API under ``/api/v1``: each endpoint is one operation."""
