"""The Data Docs of a night: Great Expectations builds the site, with our own renderers, views and style."""
