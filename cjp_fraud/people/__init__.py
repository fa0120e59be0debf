"""Users, their roles, actors, and who took part in what."""
