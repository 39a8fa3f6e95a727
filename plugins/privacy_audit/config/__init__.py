"""The files that people write, one module per kind of file, and the program's settings."""
