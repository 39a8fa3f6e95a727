"""What the control kinds share: the interface of a rule, and a base class per source."""
