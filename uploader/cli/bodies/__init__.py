"""What each command does: loaded when the command is invoked, so that a start pays for its own command alone."""
