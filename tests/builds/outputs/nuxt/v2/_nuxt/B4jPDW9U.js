3666 bytes, cut
