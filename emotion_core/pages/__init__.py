"""HTML pages: report, index, batch, batches, models, health. Templates are filled here."""
