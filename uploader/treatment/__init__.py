"""How each file is stored: content type, headers, compression, and the user's rules."""
