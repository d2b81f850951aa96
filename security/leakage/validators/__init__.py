"""Check digits, checksums and structures; every validator is a pure function of the text it is given."""
