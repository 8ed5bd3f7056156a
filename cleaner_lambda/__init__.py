"""The cleaner: load -> fold -> survey -> decide (pure) -> apply -> report. `handler.lambda_handler` is its entry."""
