"""Every score, interval, test, calibration and drift measure: NumPy and SciPy alone."""
