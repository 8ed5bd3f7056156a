4565 bytes, cut
