"""Makes and measures the estimator of a face's quality."""
