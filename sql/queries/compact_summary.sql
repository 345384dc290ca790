SELECT compact_prediction_summary()
