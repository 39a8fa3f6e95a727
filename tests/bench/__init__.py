"""`make bench`: what an audit costs, beside the best SQL we can write by hand for the same questions. Not a test."""
