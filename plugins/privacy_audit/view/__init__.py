"""What every surface shows of an audit."""
