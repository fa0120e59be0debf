"""Estimators on arrays in scikit-learn's conventions: forest, calibration, false-discovery rate, threshold."""
