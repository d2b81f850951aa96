"""Corpora written without looking at the rules; `fresh` came after the rest had been tuned on."""
