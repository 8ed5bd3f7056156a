2500 bytes, cut
