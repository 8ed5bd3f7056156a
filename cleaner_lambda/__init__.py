"""The cleaner: load -> fold -> decide (pure) -> apply -> report. ``handler.lambda_handler`` is the Lambda's entry."""
