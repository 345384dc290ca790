SELECT count_closed_batches()
