"""What the DAG files share: their tasks, parameters, retries and callbacks."""
