"""What people read: report, index, night, models, batches, health. Templates are filled here."""
