"""What each of several contributions is worth beside the others, and its share per contributor.

Belongs here: the value of a coalition of contributions, methods that divide it, values of rows,
the split of an amount by weights. Does not belong here: the DeltaOne decision and what is payable,
reading stored contributions, Dagster, MLflow. A value is an estimate, never a payment.
"""
