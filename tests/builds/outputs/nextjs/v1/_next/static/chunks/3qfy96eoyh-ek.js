13994 bytes, cut
