"""A contact-centre cloud in miniature, with fraud in it."""
