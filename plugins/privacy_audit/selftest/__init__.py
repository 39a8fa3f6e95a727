"""Self-test cases: made-up rows with the state that a rule must give them, evaluated before the store is."""
