"""Methods of serving a notice, a file a method."""
