"""The steps of an audit in order: the only place where the stages meet."""
