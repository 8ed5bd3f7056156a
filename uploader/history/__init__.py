"""What the release log says: which releases there are, which are current, which are whole. It only reads."""
