"""One module per profession; each has a `decide(request)` that computes on what the request brings."""
