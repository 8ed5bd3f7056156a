2502 bytes, cut
