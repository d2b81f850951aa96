"""`make demo`: two teams of real agents, the platform in one process, and tasks to watch."""
