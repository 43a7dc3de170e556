"""Models: a scikit-learn pipeline built from a spec, trained, saved, loaded, asked to predict.

Belongs here: features, estimators, training, model files. Does not belong here: how good a
model is.
"""
