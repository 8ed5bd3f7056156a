2437 bytes, cut
