"""The REST door: translates HTTP to one service call, and what comes of it to JSON."""
