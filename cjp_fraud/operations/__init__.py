"""What a person or a schedule can ask for: one function a command, endpoint, task and notebook call."""
