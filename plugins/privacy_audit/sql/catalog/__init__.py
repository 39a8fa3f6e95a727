"""What the catalog of a store says: questions that need no row of any table. No statement is run here."""
