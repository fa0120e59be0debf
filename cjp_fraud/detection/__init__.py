"""From traffic to scores, flags and cases: the detection run over lake or memory, back-tests and training."""
