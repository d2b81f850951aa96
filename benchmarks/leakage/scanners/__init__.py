"""What runs the other scanners, each in an environment of its own."""
