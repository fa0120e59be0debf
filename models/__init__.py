"""Estimators on arrays in scikit-learn's conventions: second stage, constants, calibration, discovery."""
