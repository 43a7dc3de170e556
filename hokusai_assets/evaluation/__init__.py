"""How much better one model is than another on the same test rows, and what that earns.

Belongs here: predictions as data, metrics, paired intervals and tests, deltas, the DeltaOne
decision. Does not belong here: training or loading models, reading or hashing the test set,
signing or storing results, Dagster, MLflow, and any other Hokusai package.
"""
