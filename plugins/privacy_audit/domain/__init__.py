"""The nouns of the audit: frozen values without input or output."""
