"""The bucket. Other packages use `port` and `read_only`; the requests are behind them."""
