"""What another policy would find: a rehearsal that files nothing, writes nothing and tells nobody.

Both policies are compiled in memory over the same store maps and judged by one instant. Of each store both read one
snapshot, so that every difference is the policy's and none is the passing of time; a check whose rule is the same
under both is run once."""
