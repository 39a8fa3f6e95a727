"""The policy and the law: their files, what makes them consistent, and their quotations."""
