"""The recipe that measures unusual upward usage: pure functions on dense arrays, series by intervals."""
