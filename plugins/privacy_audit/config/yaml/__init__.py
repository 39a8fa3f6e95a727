"""Reads YAML files so that each mistake is named with file, line and column, all mistakes at once."""
