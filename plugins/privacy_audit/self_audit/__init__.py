"""The audit's own records: how long they are kept, whether each night has its audit, and their deletion."""
