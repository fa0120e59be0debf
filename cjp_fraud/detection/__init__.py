"""From traffic to scores, flags and cases: the causal walk, back-tests, training and the runs on the lake."""
