"""From rows to one comparison: pairs, verdict, confidence, failures, cost. No torch."""
