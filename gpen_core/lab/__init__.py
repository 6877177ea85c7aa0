"""What makes and measures models: degradation, training, evaluation, benchmark. Restoring a picture never imports it."""
