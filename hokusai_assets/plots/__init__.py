"""Pictures of measurements: deltas, curves, calibration, confusion and gain over time.

Belongs here: figures drawn from the documents and predictions of `evaluation`, and their writing as
SVG and PNG. Does not belong here: computing metrics (`evaluation`), pages (`report`).
"""
