"""The predictor of area and clock."""
