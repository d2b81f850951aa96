"""The admin's screens of the leak detector: choices, declarations, a bench to try it, a form to judge what it found."""
