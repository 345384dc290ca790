"""From arrived files to published rows, through the ledger."""
