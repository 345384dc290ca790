"""From rows to the comparison page. No torch."""
