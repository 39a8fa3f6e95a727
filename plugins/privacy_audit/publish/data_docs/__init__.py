"""The Data Docs of a night: Great Expectations builds the site, with our own renderers, views, templates and style.

`docs_site.publish` builds tonight's pages beside the ones that people read, proves that none is missing, and changes
over in one step. What a page says of a check is the outcome of the audit; the `success` of Great Expectations, which
calls an empty table one, is only an input to it and stands on no page.
"""
