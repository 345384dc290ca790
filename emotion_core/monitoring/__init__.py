"""What a night's figures say of the system's health: drift, expected accuracy, limits."""
