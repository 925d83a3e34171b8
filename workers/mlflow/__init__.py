"""Runs mirrored to an MLflow server by its REST API, where MLFLOW_TRACKING_URI names one."""
