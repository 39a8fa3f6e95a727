"""From policy and store maps to rules and suites, and what changed between two policies."""
