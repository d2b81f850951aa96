"""Measure the leak detector on a labelled corpus of made-up agent answers."""
